"""Which starts are climbed from, once EM has brought each near its optimum: one for all that are at one place.

Newton's steps cost several times those of EM, and most starts of an easy search are within a fraction of a standard
error of one another by then: at a maximum that was climbed to before, or at one that another start will reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..likelihood.mixture import Mixture
from .ledger import Optimum

AT_ONE_PLACE = 0.3  # distance of the subjects' densities, about in standard errors, see the ledger
HEADROOM = 0.5  # log-likelihood per subject that a rearrangement may still gain; on hard data up to 0.36
HEADROOM_STEPS = 30.0  # .. besides so many times what its last step of EM gained


@dataclass(frozen=True)
class Sifted:
    """What becomes of the starts.

    Attributes
    ----------
    climbing : (C,) the starts that are climbed from
    standing : C lists of the other starts that each of them stands for
    returned : for each of the known optima, how many starts came back to it
    """

    climbing: np.ndarray
    standing: list[list[int]]
    returned: np.ndarray


def sift(module: Mixture, flat: Tensor, gain: Tensor, known: list[Optimum], *, only_better: bool) -> Sifted:
    """Sort starts after EM, parameters (B, p), of which the last step gained ``gain`` (B,).

    ``known`` are optima, the best first. With ``only_better`` starts that could not come to what the best of them has
    are not climbed from.
    """
    densities = module.subject_logliks(flat)
    judged = module.judged
    loglik = densities @ judged
    if module.log_prior is not None:
        loglik = loglik + module.log_prior.value(flat)
    steps = torch.nan_to_num(gain, nan=0.0, posinf=0.0).clamp(min=0.0)
    most = loglik + HEADROOM * module.weight.sum() + HEADROOM_STEPS * steps
    leaders = [torch.as_tensor(o.densities, device=module.device) for o in known]
    climbing: list[int] = []
    standing: list[list[int]] = []
    returned = np.zeros(len(known), dtype=int)
    order = np.argsort(-np.nan_to_num(loglik.cpu().numpy(), nan=-np.inf), kind="stable")
    for i in order.tolist():
        if leaders:
            away = ((torch.stack(leaders) - densities[i]) ** 2 @ judged).sqrt()
            nearest = int(torch.nan_to_num(away, nan=torch.inf).argmin())
            if float(away[nearest]) < AT_ONE_PLACE:
                if nearest < len(known):
                    returned[nearest] += 1
                else:
                    standing[nearest - len(known)].append(i)
                continue
        if only_better and known and not float(most[i]) >= known[0].loglik:
            continue
        climbing.append(i)
        standing.append([])
        leaders.append(densities[i])
    return Sifted(np.array(climbing, dtype=int), standing, returned)
