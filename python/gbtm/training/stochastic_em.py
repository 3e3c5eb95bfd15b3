"""EM whose expected statistics are updated after every mini-batch (Cappé and Moulines 2009, JRSS B 71).

    S  <-  (1 - g) S + g s(batch; parameters),    parameters  <-  M-step at S,    g = (batches so far)^-0.6

Given the groups, the log density is linear in statistics by design cell, so S is as large as the design, whatever the
number of people. Membership coefficients of covariates have no such statistics: there the M-step is a Newton step with
the running information and the batch's gradient times g (Titterington 1984, JRSS B 46).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import SpecificationError
from ..estimation.newton import maximise_q
from ..likelihood.derivatives import Collected
from ..likelihood.mixture import Mixture

EXPONENT = 0.6  # of the step size; Cappé and Moulines recommend 0.6 with averaging, which Newton replaces here


class StochasticEM:
    """Running statistics per person, and the M-step at them.

    Raises
    ------
    SpecificationError
        ``no_shared_cells`` where the people's observations share no design cells.
    """

    def __init__(self, module: Mixture) -> None:
        self.module = module
        self.seen = 0  # batches
        self.statistics: list[Tensor] = []
        self.membership: tuple[Tensor, ...] = ()
        refuse_private(module)

    def step(self, batch: Mixture) -> float:
        """Learn from a batch, a :meth:`~gbtm.likelihood.mixture.Mixture.batch` of the module; its mean log-likelihood
        before that."""
        with torch.no_grad():
            flat = self.module.flat()[None]
            joint = batch.joint(flat)
            subject = torch.logsumexp(joint, dim=1)
            weight = batch.weight / batch.weight.sum()
            weighted = torch.exp(joint - subject[:, None]) * weight
            self.seen += 1
            self._update(
                [cells.collect(weighted) for cells in batch.cells], batch.membership.gather(flat, weighted, weight))
            self.module.set_flat(self._maximised(flat)[0])
            return float(((subject + batch.constant) @ weight)[0])

    def _update(self, statistics: list[Tensor], membership: tuple[Tensor, ...]) -> None:
        if self.seen == 1:
            self.statistics, self.membership = statistics, membership
            return
        g = self.seen**-EXPONENT
        self.statistics = [torch.lerp(old, new, g) for old, new in zip(self.statistics, statistics, strict=True)]
        mixed = [torch.lerp(old, new, g) for old, new in zip(self.membership, membership, strict=True)]
        if len(mixed) > 1:
            mixed[-2] = g * membership[-2]  # the gradient at these parameters
        self.membership = tuple(mixed)

    def _maximised(self, flat: Tensor) -> Tensor:
        module = self.module
        theta = module.membership.m_step(flat, self.membership) if module.layout.n_groups > 1 else None
        flat = maximise_q(module, flat, [Collected(module, m, s) for m, s in enumerate(self.statistics)], 1)
        if theta is not None:
            flat[:, module.layout.theta] = theta
        return flat

    def state_dict(self) -> dict[str, object]:
        """All that a later run needs to go on to the same bits."""
        return {"seen": self.seen, "statistics": self.statistics, "membership": self.membership}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from a :meth:`state_dict`."""
        self.seen, self.statistics = state["seen"], state["statistics"]  # type: ignore[assignment]
        self.membership = tuple(state["membership"])  # type: ignore[arg-type]


def refuse_private(module: Mixture) -> None:
    """Observations that share no design cells have no statistics to keep."""
    for part, cells in zip(module.layout.parts, module.cells, strict=True):
        if cells.private or cells.apart:
            raise SpecificationError(
                f"optimiser: EM by batches keeps statistics by design cell, and {part.name or 'the outcome'!r} was "
                "seen at times or covariates that hardly any two observations share, or its errors are correlated.",
                code="no_shared_cells", argument="optimiser",
                way_out="Give a torch optimiser, optimiser=lambda p: torch.optim.Adam(p, lr=0.02), or use fit().",
            )
