"""A search on its way: round after round, repairs, the time budget, progress."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

from ..compute.progress import Progress
from ..selection import words
from .candidates import Candidate, Number, Space
from .dual_space import DualSpace
from .outcome_orders import SeveralSpace, next_shapes
from .runner import Fitted, Ground, Task, make_round, n_workers, read_fit
from .strategy import NO_LOWER, again_task, task_for, unconfirmed, violations, wanted
from .table import score


class Rounds:
    """One search on its way: what it has so far and how it goes on."""

    def __init__(
        self, space: Space, ground: Ground, how: str, criterion: str, n_jobs: int | None, time_budget: float | None,
        n_starts: int | None, shape_starts: int, tell: Progress | None,
    ) -> None:
        from ..record.shared_data import shared_fields

        self.space, self.ground, self.how, self.criterion = space, ground, how, criterion
        self.n_jobs, self.budget, self.tell = n_jobs, time_budget, tell
        self.starts = (n_starts, shape_starts)
        self.shared = shared_fields(ground.panel, dual=isinstance(space, DualSpace))
        self.fits: dict[Candidate, Fitted] = {}
        self.happened: dict[str, list[str]] = {"plan": [], "skipped": [], "repairs": [], "not_done": []}
        self.begun, self.deadline = time.monotonic(), None if time_budget is None else time.time() + time_budget
        self.proposed: dict[tuple[Candidate, float], Candidate] = {}  # orders that a fit of several outcomes asks for
        self.full: set[Candidate] = set()  # models of lower orders that had the full search
        self.n_done = self.weight_done = 0
        n_workers(n_jobs)  # refuses what is no number of workers before anything is done

    def go(self) -> None:
        """Round after round until nothing is wanted or the time is used up."""
        self._plan()
        while True:
            candidates = wanted(self.space, self.how, self.criterion, self.fits, self._shapes())
            if candidates:
                left = self.round([self.task(c) for c in candidates])
            else:
                chosen = unconfirmed(self.space, self.fits, self.full)
                if not chosen:
                    break
                self.full |= set(chosen)
                left = self.again([(self.fits[c], None) for c in chosen])
                if left:
                    self.happened["not_done"] = [words.no_full_search(
                        float(self.budget or 0), [self.space.label(t.candidate) for t in left], self.starts[1],
                    )]
                    break
            self.repair()
            if left:
                self.happened["not_done"] = [
                    words.out_of_time(float(self.budget or 0), [self.space.label(t.candidate) for t in left])
                ]
                break
        self.say(f"search done: {len(self.fits)} models")

    def _shapes(self) -> Callable[[Number], list[Candidate]] | None:
        """Of several outcomes: which shapes come next for a number of groups."""
        space = self.space
        if not isinstance(space, SeveralSpace):
            return None
        panel, bases = self.ground.panel, self.ground.bases
        return lambda k: next_shapes(space, k, self.criterion, self.fits, panel, bases, self.proposed)

    def _plan(self) -> None:
        if self.how == "grid":
            size = self.space.grid_size()
            text = f"The grid has {size} model{'' if size == 1 else 's'}."
            self.happened["plan"].append(text)
            self.say(text)

    def task(self, candidate: Candidate) -> Task:
        """How a candidate is fitted now."""
        n_starts, few = self.starts
        return task_for(self.space, candidate, self.fits, n_starts, n_starts if candidate in self.full else few)

    def again(self, fits: list[tuple[Fitted, Fitted | None]]) -> list[Task]:
        """Make fits again, from where they are and from a model nested in them; what is worse is not kept."""
        left = self.round([again_task(self.task(f.candidate), f, nested) for f, nested in fits])
        for fit, _ in fits:
            now = self.fits[fit.candidate]
            if not now.usable or (fit.usable and now.loglik < fit.loglik - NO_LOWER):
                self.fits[fit.candidate] = fit
        return left

    def round(self, tasks: list[Task]) -> list[Task]:
        """Make the fits; returns those for which there was no time."""
        ground = replace(self.ground, deadline=self.deadline if self.fits else None)
        left: list[Task] = []
        for at, (task, text) in enumerate(make_round(ground, tasks, n_jobs=self.n_jobs)):
            if text is None:
                left.append(task)
                continue
            self.fits[task.candidate] = read_fit(text, task.candidate, self.ground, self.shared)
            self.n_done += 1
            self.weight_done += task.candidate.n_classes
            self.report(tasks[at + 1 :])
        return left

    def repair(self) -> None:
        """Make fits that are below a model nested in them again, from there, until none is."""
        tried: dict[tuple[Candidate, Candidate], float] = {}
        while True:
            pairs = [
                (large, small) for large, small in violations(self.space, self.fits)
                if tried.get((large.candidate, small.candidate)) != small.loglik
            ]
            if not pairs:
                return
            left = {task.candidate for task in self.again([*pairs])}
            for large, small in pairs:
                tried[large.candidate, small.candidate] = small.loglik
                label, after = self.space.label, self.fits[large.candidate].loglik
                self.happened["repairs"].append(words.repaired(
                    label(large.candidate), large.loglik, after, label(small.candidate),
                    made=large.candidate not in left,
                ))
            if left:
                return

    def report(self, left: list[Task]) -> None:
        """Fits done of those known so far, the best so far, and the time that the rest may take."""
        if self.tell is None:
            return
        elapsed = time.monotonic() - self.begun
        ahead = [t.candidate for t in left]
        if self.how == "grid":
            ahead += [c for k in self.space.groups for c in self.space.grid(k) if c not in self.fits and c not in ahead]
        else:
            tops = [self.space.top(k) for k in self.space.numbers]
            ahead += [c for c in tops if c not in self.fits and c not in ahead]
        rest = elapsed * sum(c.n_classes for c in ahead) / max(self.weight_done, 1)
        usable = [f for f in self.fits.values() if f.usable]
        best = min(usable, key=lambda f: score(f, self.criterion), default=None)
        best_so_far = "" if best is None else f", best so far {self.space.label(best.candidate)}"
        more = "" if self.how in ("grid", "groups") else ", more to come"
        self.say(
            f"{self.n_done} of {self.n_done + len(ahead)} fits{more if not ahead else ''}{best_so_far}"
            + (f", about {math.ceil(rest)} s left" if ahead else "")
        )

    def say(self, sentence: str) -> None:
        if self.tell is not None:
            self.tell(sentence, time.monotonic() - self.begun)
