"""The search for the best optimum: starts in rounds until the hit rate is convincing, then rearranged groups.

It knows the module's likelihood and the parameter layout, and no family by name.
"""

from __future__ import annotations

import time
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..compute.threads import in_order
from ..data.panel import Panel
from ..likelihood.mixture import Mixture
from ..model.layout import Layout
from .collapse import Collapse
from .control import Control
from .directed_splits import DirectedSplits
from .fence import projected
from .labellings import of_some, relabelled, well_labelled
from .ledger import SAME_OPTIMUM, Ledger, Optimum
from .newton import Climb, em, newton
from .rearrange import grown, rearranged
from .sift import sift
from .spare_groups import spare_starts
from .start_panel import few_enough, start_panel
from .starts import StartingPlan

FIRST_ROUND = 24
FIRST_ROUND_CONVEX = 2  # one group without a zero part has a single optimum
LATER_ROUND = 48
FINISH_MOST = 4
FINISH_STEPS = 4  # times the steps that they had
MOVES_PER_PAIR = 12  # in a round, of two groups of which one takes the other's place; one large lot costs less than two
MOVES_MOST = 144
MOVES_DOMINANT = 32
MOVES_ALONE = 2  # per group, where all starts met one optimum
MOVE_ROUNDS_MOST = 8
VAIN_ROUNDS = 2
DOMINANT = 0.9  # share of the starts that reach the best optimum, from which on one round of either kind will do
UNSEEN_MOST = 0.005  # accepted estimate of the share of starts that would end at an optimum not seen yet
ENOUGH_HITS = 2
BATCH_ENTRIES = 2e7  # doubles in the largest intermediate of a batch
BATCH_MOST = 64
BATCH_SHARED = 16
BATCH_SHARED_FROM = 1e5
LOTS_LEAST = 2
LOTS_FROM = 5e5  # entries of all starts above which calls cost less than what they compute
SURROGATE_EM_STEPS = 4  # with the exact density, from what the surrogate found


class Run:
    """One search: carries what its steps share."""

    def __init__(self, module: Mixture, panel: Panel, control: Control) -> None:
        self.module, self.panel, self.control = module, panel, control
        self.layout = module.layout
        self.rng = np.random.default_rng(control.rng)
        self.ledger = Ledger(module)
        self.n_starts = self.n_moves = 0
        self.start_subjects: int | None = None
        self.cut_short = False
        self.begun = time.monotonic()
        self.collapse = Collapse(self.layout, panel)
        cells = sum(c.n_cells * c.n_stats for c in module.cells)
        width = 2 + max(b.width for b in self.layout.blocks)
        self.widest = max(panel.n_subjects, cells) * self.layout.n_groups * width
        # small lots for the workers to share where a lot is real work, large ones where it is mostly overhead
        most = BATCH_SHARED if self.widest > BATCH_SHARED_FROM else BATCH_MOST
        self.batch = int(np.clip(BATCH_ENTRIES / self.widest, 1, most))

    @cached_property
    def plan(self) -> StartingPlan:
        return StartingPlan(self.module, self.panel, self.rng)

    @property
    def convex(self) -> bool:  # one group has one optimum, unless zeros may be of two kinds
        return self.layout.n_groups == 1 and not any(o.traits.is_zero_inflated for o in self.layout.spec.outcomes)

    def elapsed(self) -> float:
        return time.monotonic() - self.begun

    def out_of_time(self) -> bool:
        """The time budget is used up; asked where a further round would begin, so that the report can say so."""
        if self.late():
            self.cut_short = True
        return self.cut_short

    def late(self) -> bool:
        """The time budget is used up; climbs with people on disk have none, so that digits depend on no clock."""
        if self.panel.for_starts is not self.panel:
            return False
        return self.control.time_budget is not None and self.elapsed() > self.control.time_budget

    def tell(self, what: str) -> None:
        if self.control.progress is not None:
            best = self.ledger.usable[:1]
            best_so_far = f", best log-likelihood {best[0].loglik:.3f} found {best[0].hits} times" if best else ""
            self.control.progress(what + best_so_far, self.elapsed())

    def climb(self, starts: Tensor, *, count_hits: bool, what: str, numbered: bool = False) -> int:
        """Climb from all starts (B, p), in batches, and note where they end.

        Where hits are not counted, what matters of a start is whether it leads to something better. Groups that
        constraints or known people name take in starts that are not ``numbered`` what costs least.

        Returns
        -------
        How many were climbed from: those at no known place that may come to something.
        """
        if not len(starts):  # every split of the groups was tried
            return 0
        self.tell(what)
        starts = projected(self.layout, starts) if numbered else well_labelled(self.module, starts)
        lots = in_order(self._warmed, self._lots(starts))
        flat, gain = (torch.cat(x) for x in zip(*lots))
        known = self.ledger.usable
        sifted = sift(self.module, flat, gain, known, only_better=not count_hits)
        if count_hits:
            self.ledger.returned(known, sifted.returned)
        left, standing = sifted.climbing, sifted.standing
        climbed = left.size
        while left.size:
            arrived = self._arrive(flat[left], [1 + len(s) for s in standing], count_hits)
            # those that one stood for which came to nothing are climbed from themselves
            came_to_nothing = [s for s, well in zip(standing, arrived, strict=True) if not well and not self.late()]
            left = np.array([i for s in came_to_nothing for i in s], dtype=int)
            standing = [[] for _ in left]
        return climbed

    def _lots(self, starts: Tensor) -> list[Tensor]:
        """Lots of about one size, two at least where there is work to share; the same for any number of workers."""
        count = -(-len(starts) // self.batch)
        if len(starts) * self.widest > LOTS_FROM:
            count = max(LOTS_LEAST, count)
        return [lot for lot in torch.tensor_split(starts, count) if len(lot)]

    def _warmed(self, starts: Tensor) -> tuple[Tensor, Tensor]:
        return em(self.module, starts, self.control.em_steps, late=self.late)

    def _arrive(self, flat: Tensor, counts: list[int], count_hits: bool) -> list[bool]:
        """Newton from (B, p), each of which stands for so many starts, noted; whether each converged."""
        arrived: list[bool] = []
        lots = [flat] if self.late() else self._lots(flat)  # late, the best of all goes on, not that of each lot
        for done, size in zip(in_order(self.climb_on, lots), map(len, lots), strict=True):
            well = done.converged.tolist()
            start = len(arrived)
            hits = [n if ok else 1 for n, ok in zip(counts[start : start + size], well, strict=True)]
            self.ledger.add(done, self.collapsed(done.flat), hits=hits if count_hits else [0] * size)
            arrived += well
        return arrived

    def climb_on(self, flat: Tensor) -> Climb:
        """Newton from (B, p)."""
        done = newton(
            self.module, flat, steps=self.control.newton_steps, tolerance=self.control.tolerance,
            stop=self.collapse.stop, late=self.late,
        )
        self._note_cut(done)
        return done

    def _note_cut(self, done: Climb) -> None:
        """Runs that were given up for want of time, which the report says."""
        if self.late() and not bool(done.converged.all()):
            self.cut_short = True

    def collapsed(self, flat: Tensor) -> np.ndarray:
        return self.collapse.collapsed(flat)

    def dominant(self) -> bool:
        """Nearly all starts reached the best optimum."""
        best = self.ledger.usable[:1]
        return bool(best) and best[0].hits >= DOMINANT * self.n_starts

    def alone(self) -> bool:
        """All that was found is one optimum."""
        return len(self.ledger.usable) == 1 and self.ledger.unseen() <= UNSEEN_MOST

    def random_round(self, count: int) -> None:
        what = f"starts {self.n_starts + 1} to {self.n_starts + count}"
        self.climb(self.plan.next(count), count_hits=True, what=what)
        self.n_starts += count

    def search_starts(self) -> None:
        control = self.control
        if control.n_starts is not None:
            while self.n_starts < control.n_starts and not (self.n_starts and self.out_of_time()):
                self.random_round(min(BATCH_MOST, control.n_starts - self.n_starts))
            return
        first = FIRST_ROUND_CONVEX if self.convex else FIRST_ROUND
        self.random_round(min(first, control.max_starts))
        while not self.convex and self.n_starts < control.max_starts and not self.out_of_time():
            best = self.ledger.usable[:1]
            if best and best[0].hits >= ENOUGH_HITS and (self.dominant() or self.ledger.unseen() <= UNSEEN_MOST):
                break
            self.random_round(min(LATER_ROUND, control.max_starts - self.n_starts))

    def finish(self) -> None:
        """Go on with runs that ended early at a higher log-likelihood than the best: optima at infinity are far."""
        best = max((o.loglik for o in self.ledger.usable), default=-np.inf)
        early = [o for o in self.ledger.optima if not o.converged and not o.collapsed and o.loglik > best]
        if self.late() and self.ledger.usable:
            return
        for o in self.ledger.taken(early[: 1 if self.late() else FINISH_MOST]):
            at = torch.as_tensor(o.flat, device=self.module.device)[None]
            steps = FINISH_STEPS * self.control.newton_steps
            done = newton(
                self.module, at, steps=steps, tolerance=self.control.tolerance, stop=self.collapse.late_stop,
                late=self.late)
            self._note_cut(done)
            self.ledger.add(done, self.collapsed(done.flat), hits=o.hits)

    def take_over(self, some: Run) -> None:
        """Climb with all subjects from the best optima that a search on some of them found."""
        self.n_starts, self.n_moves, self.start_subjects = some.n_starts, some.n_moves, None
        if some.panel.n_subjects < self.panel.n_subjects:
            self.start_subjects = some.panel.n_subjects
        self.cut_short = some.cut_short
        self.ledger.n_failed = some.ledger.n_failed
        if self.module.by_integral:
            self._take_over_surrogate(some)
            return
        optima = some.ledger.rivals() or some.ledger.optima[:1]
        for rank, o in enumerate(optima):
            at = of_some(self.module, o.flat)
            self.tell(f"optimum {rank + 1} of {len(optima)} with all subjects")
            # without EM: what some of the subjects found is within Newton's reach of the optimum of all
            done = self.climb_on(at)
            self.ledger.add(done, self.collapsed(done.flat), hits=o.hits)

    def _take_over_surrogate(self, some: Run) -> None:
        """To the surrogate a group of values at a bound is one without spread, which it need not be."""
        optima = some.ledger.rivals() or some.ledger.optima[:1]
        for rank, o in enumerate(optima):
            self.tell(f"optimum {rank + 1} of {len(optima)} with the integrals of censored values")
            at = of_some(self.module, self.layout.inside(o.flat))
            done = self.climb_on(em(self.module, projected(self.layout, at), SURROGATE_EM_STEPS)[0])
            self.ledger.add(done, self.collapsed(done.flat), hits=o.hits)
        self.finish()

    def search_labels(self) -> None:
        """The best optima with their groups in other parts in the constraints, and to known people."""
        if self.layout.has_labels and not self.out_of_time():
            starts = relabelled(self.module, [o.flat for o in self.ledger.usable])
            self.climb(starts, count_hits=False, what="giving the groups other numbers", numbered=True)
            self.n_moves += len(starts)

    def search_moves(self) -> None:
        """Rearrange the best optima, and give people to a group that adds nothing, until neither brings anything."""
        while not self.convex:
            self._rearrange()
            if not self._people_spare_group():
                return

    def _rearrange(self) -> None:
        """Rearrange the best optima until rounds bring nothing better: one where nearly all starts agree, else two."""
        splits = DirectedSplits(self.module, self.rng)
        in_vain = 0
        for _ in range(MOVE_ROUNDS_MOST):
            optima = self.ledger.usable[:5]
            if not optima or self.out_of_time():
                return
            before = optima[0].loglik
            starts = torch.as_tensor(self._moves(splits, optima), device=self.module.device)
            for some in (starts[:MOVES_DOMINANT], starts[MOVES_DOMINANT:]):
                climbed = self.climb(some, count_hits=False, what="rearranging the groups of the best optima")
                self.n_moves += len(some)
                if not climbed:  # all came back or fell far below
                    return
            in_vain = in_vain + 1 if self.ledger.usable[0].loglik <= before + SAME_OPTIMUM else 0
            if in_vain == (1 if self.dominant() or self.alone() else VAIN_ROUNDS):
                return

    def _people_spare_group(self) -> bool:
        """Climb from the best optimum with a few people in the group that it has too much; whether that is better."""
        best = self.ledger.usable[:1]
        if not best or self.out_of_time():
            return False
        starts = spare_starts(self.module, best[0].flat, self.plan.curves, self.rng)
        self.n_moves += len(starts)
        self.climb(starts, count_hits=False, what="people for a group that adds nothing")
        return self.ledger.usable[0].loglik > best[0].loglik + SAME_OPTIMUM

    def _moves(self, splits: DirectedSplits, optima: list[Optimum]) -> np.ndarray:
        """The starts of a round: many where the starts disagree, few where they met one optimum alone."""
        groups = sum(self.layout.spec.set_sizes)
        if self.layout.spec.is_dual:  # the directions of a group's own coefficients are those of several classes
            return rearranged(self.layout, np.stack([o.flat for o in optima]), self.rng, MOVES_DOMINANT)
        if self.alone():
            return splits.next(optima, MOVES_ALONE * groups)
        count = min(MOVES_PER_PAIR * groups * (groups - 1), MOVES_DOMINANT if self.dominant() else MOVES_MOST)
        directed = splits.next(optima, (count + 1) // 2)
        random = rearranged(self.layout, np.stack([o.flat for o in optima]), self.rng, count - len(directed))
        kind = np.argsort(np.concatenate([np.arange(len(directed)), np.arange(len(random))]), kind="stable")
        return np.concatenate([directed, random])[kind]  # in turn


def search(
    module: Mixture, panel: Panel, control: Control, user_starts: np.ndarray | None,
    smaller: tuple[Layout, np.ndarray] | None, exact_growth: bool, further: np.ndarray | None = None,
) -> Run:
    """All the climbing, on a subsample first where there are many subjects.

    ``further`` (B, p) are starts besides those of the search; with all subjects they are climbed from too, so that the
    result is no worse than any of them. Where the density is an integral, the search is by a surrogate in closed form.
    """
    full_run = Run(module, panel, control)
    device = module.device
    if user_starts is not None:
        given = torch.as_tensor(user_starts, device=device)
        full_run.climb(given, count_hits=True, what="the given start", numbered=module.layout.constraints is not None)
        full_run.n_starts = len(user_starts)
        full_run.finish()
        return full_run
    run = full_run
    whole = panel.for_starts is panel  # not on disk
    few = few_enough(module.n_distinct)
    some = panel if whole and few and not any(c.private for c in module.cells) else (
        start_panel(panel, module.layout, control)
    )
    if some is not panel or module.by_integral:
        run = Run(Mixture(module.layout, some, surrogate=True).to(control.device), some, control)
    if smaller is not None:
        starts = torch.as_tensor(grown(module.layout, *smaller, run.rng, exact=exact_growth), device=device)
        run.climb(starts, count_hits=False, what="splitting a group")
        run.n_moves += len(starts)
    if further is not None:
        run.climb(torch.as_tensor(further, device=device), count_hits=False, what="the further starts")
        run.n_moves += len(further)
    run.search_starts()
    run.finish()
    run.search_labels()
    if control.n_starts is None:
        run.search_moves()
        run.search_labels()
    run.finish()
    if run is not full_run:
        full_run.take_over(run)
        if smaller is not None and exact_growth:
            full_run.climb(starts, count_hits=False, what="splitting a group, all subjects")
            full_run.finish()
        if further is not None:
            at = torch.as_tensor(further, device=device)
            full_run.climb(at, count_hits=False, what="the further starts, all subjects")
            full_run.finish()
    return full_run
