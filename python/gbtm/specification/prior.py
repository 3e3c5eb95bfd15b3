"""Weak priors: what is added to the log-likelihood so that a fit has finite estimates where it has no maximum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass, fields
from typing import Any, ClassVar

import numpy as np

from ..arguments import checked
from ..errors import SpecificationError

STRENGTHS = ("shares", "curves", "zero", "sigma")
WAY_OUT = "Give prior='weak', gbtm.Prior(shares=1, curves=1, ..), or None for maximum likelihood."


@checked
@dataclass(frozen=True)
class Prior:
    """A weak prior: pseudo-people that are added to the data, of whom each group gets an equal part.

    The estimates maximise log L + log prior (MAP). ``prior="weak"`` is ``Prior()``: one person in all, whose
    observations are spread over those of the data as they are. It is the same prior in any time basis, in any units of
    time and of a continuous outcome, and for any number of waves. docs/priors.md has the formulas.

    Parameters
    ----------
    shares : pseudo-people in the groups (of a dual model, in the pairs of groups), with the membership covariates of
        those fitted. Keeps shares and transition probabilities off 0, and membership logits finite
    curves : pseudo-observations of each group's curve, and of its dropout, distributed as those of all people. Keeps
        probabilities off 0 and 1, and rates off 0; of levels they are of all categories' curves, or cut points, too
    zero : pseudo-trials of the zero part, half of them zeros by nature
    sigma : of the spreads: an inverse gamma about the variance of all for sigma, a gamma for a beta family's phi, half
        a trial on either side for psi and rho, and log tau for the sd of a random effect (Chung et al. 2013)
    ridge : standard deviation of a Gaussian prior for slopes on the orthonormal time basis, four times it for the
        intercept; Gelman et al. 2008 use 2.5. None for no such prior
    firth : Jeffreys' prior for the membership logits, half the log determinant of their information, in place of
        ``shares``

    A strength of 0 leaves that part out; all 0 is maximum likelihood.

    Raises
    ------
    SpecificationError
        ``bad_prior``.

    References
    ----------
    Clogg, Rubin, Schenker, Schultz and Weidman 1991, Journal of the American Statistical Association 86;
    Galindo Garre and Vermunt 2006, Behaviormetrika 33; Chung et al. 2013, Psychometrika 78; Firth 1993, Biometrika 80;
    Gelman et al. 2008, Annals of Applied Statistics 2.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=1, prior="weak").fit(rng=0)
    >>> res.prior
    Prior(shares=1.0, curves=1.0, zero=1.0, sigma=1.0, ridge=None, firth=False)
    """

    _: KW_ONLY
    shares: float = 1.0
    curves: float = 1.0
    zero: float = 1.0
    sigma: float = 1.0
    ridge: float | None = None
    firth: bool = False

    made_by_users: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name in STRENGTHS:
            value = getattr(self, name)
            if not _is_finite(value) or value < 0:
                raise bad_prior(f"{name} is {value!r}, and a strength is a number of pseudo-people, 0 or more.")
            object.__setattr__(self, name, float(value))
        if self.ridge is not None:
            if not _is_finite(self.ridge) or self.ridge <= 0:
                raise bad_prior(f"ridge is {self.ridge!r}, and it is a standard deviation above 0, or None.")
            object.__setattr__(self, "ridge", float(self.ridge))
        if not isinstance(self.firth, bool):
            raise bad_prior(f"firth is {self.firth!r}, and it is True or False.")

    @property
    def is_none(self) -> bool:
        """It adds nothing: maximum likelihood."""
        return not any(getattr(self, s) for s in STRENGTHS) and self.ridge is None and not self.firth

    @property
    def document(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """What it means for the numbers of a fit."""
        parts = [f"{s} {getattr(self, s):g}" for s in STRENGTHS if getattr(self, s)]
        parts += [] if self.ridge is None else [f"ridge {self.ridge:g}"]
        parts += ["firth"] if self.firth else []
        which = "prior='weak'" if self == Prior() else ", ".join(parts)
        return (
            f"MAP: estimates maximise the log-likelihood plus the log density of a weak prior ({which}), and standard "
            "errors are from the Hessian of both. Log-likelihood, AIC and BIC are without the prior."
        )

    @property
    def code(self) -> str:
        """As it is written in a call."""
        return "'weak'" if self == Prior() else f"gbtm.{self!r}"


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and bool(np.isfinite(value))


def bad_prior(problem: str) -> SpecificationError:
    """The error for a prior that is none."""
    return SpecificationError(f"prior: {problem}", code="bad_prior", argument="prior", way_out=WAY_OUT)


def as_prior(value: Any, argument: str = "prior") -> Prior | None:
    """A prior as users give it: None, "weak", a :class:`Prior`, or its values by name.

    One that adds nothing is None: the same digits, by the same way.
    """
    if value is None:
        return None
    if isinstance(value, str) and value == "weak":
        return Prior()
    if isinstance(value, Mapping):
        known = [f.name for f in fields(Prior)]
        for name in value:
            if name not in known:
                raise bad_prior(f"{name!r} is none of {', '.join(known)}.")
        value = Prior(**value)
    if not isinstance(value, Prior):
        raise bad_prior(f"{value!r} is no prior.")
    return None if value.is_none else value
