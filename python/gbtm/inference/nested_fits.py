"""The likelihood-ratio test of two nested fits of the same data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np
from scipy import stats

from ..arguments import checked
from ..data.event_times import FIRST
from ..data.known_groups import class_weights
from ..errors import SpecificationError
from ..fit.fit import Fit
from ..model.nesting import nested
from ..specification.correlated_errors import MAX_RANDOM_ORDER
from ..specification.spec import ModelSpec
from .constrained_pairs import ConstrainedPair

BY_INFORMATION = ("hessian", "traj")
ROUNDING = 1e-6  # log-likelihood


@dataclass(frozen=True)
class LikelihoodRatioTest:
    """Twice the difference of the log-likelihoods of two nested fits.

    Attributes
    ----------
    statistic : 2 (loglik - loglik of the smaller)
    df : parameters more
    pvalue : by chi-square; with further random effects, whose sds are 0 in the smaller fit, by a mixture of
        chi-squares: of one, half without and half with it (Self and Liang 1987, case 6), of several with weights that
        the data decide (:mod:`.effects_at_zero`)
    note : what was taken into account
    """

    statistic: float
    df: int
    pvalue: float
    note: str = ""

    def __iter__(self) -> Iterator[float]:
        """statistic, p-value, df, as statsmodels' ``compare_lr_test`` returns them."""
        return iter((self.statistic, self.pvalue, float(self.df)))

    def __repr__(self) -> str:
        p = "p < 0.0001" if self.pvalue < 1e-4 else f"p = {self.pvalue:.4f}"
        return f"Likelihood-ratio test\nchi2({self.df}) = {self.statistic:.4f}, {p}" + (
            f"\n{self.note}" if self.note else "")


@checked
def compare_lr_test(res: Fit, restricted: Fit) -> LikelihoodRatioTest:
    """Likelihood-ratio test of a fit against a smaller one of the same data that it contains.

    Parameters
    ----------
    restricted : the smaller fit: with lower orders, one sigma or zero part for all groups, fewer covariates, effects
        of them that are ``common`` to the groups, no AR(1) errors, fewer random effects, or such that are independent
        or common to the groups, or with constraints; one
        outcome or several; of a dual model with as many groups of each

    Returns
    -------
    LikelihoodRatioTest

    Raises
    ------
    SpecificationError
        ``other_data``; ``other_prior``; ``not_nested``; ``no_chi_square`` where the statistic has no chi-square law:
        other numbers of groups, groups of rate zero or without a zero part in the smaller fit, several further
        random effects of a dual model, or a robust covariance or weights, with which the likelihood is none.

    References
    ----------
    Self and Liang 1987, Journal of the American Statistical Association 82; Stram and Lee 1994, Biometrics 50;
    Silvapulle and Sen 2005, Constrained Statistical Inference, section 3.4.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> def fit(order):
    ...     return gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=order).fit(rng=0)
    >>> fit(2).compare_lr_test(fit(1)).df
    2
    """
    _same_data(res, restricted)
    pair = _nested(res, restricted)
    statistic, df = 2 * (res.llf - restricted.llf), res.df_model - restricted.df_model
    note = "" if res.prior is None else "Estimates are MAP; the log-likelihoods are without the prior."
    if statistic < -ROUNDING and res.prior is None:
        raise SpecificationError(
            f"restricted: its log-likelihood, {restricted.llf:.4f}, is above that of the larger model, {res.llf:.4f}, "
            "whose search fell short.", code="not_nested", argument="restricted",
            way_out="Fit the larger model again with start=restricted or more starts.",
        )
    statistic = statistic if statistic > ROUNDING else 0.0
    freed = _freed_effects(restricted.spec, res.spec)
    if pair is not None and not freed:
        return _of_constraints(statistic, df, pair, note)
    if pair is not None and pair.bounds:
        _no_law("a parameter lies at a bound, and a random effect has its sd at 0 in the smaller fit")
    if freed > 1 and (res.dual is not None or res.constraints is not None):
        _no_law(f"{freed} further random effects of a {'dual' if res.dual is not None else 'constrained'} model have "
                "their sd at 0 in the smaller fit")
    if freed > 1:
        from .effects_at_zero import cone_law

        law = cone_law(res, restricted)
        return LikelihoodRatioTest(statistic, df, law.pvalue(statistic), f"{law} {note}".rstrip())
    if freed == 1:
        below = float(stats.chi2.sf(statistic, df - 1)) if df > 1 else float(statistic <= 0)
        p = 0.5 * below + 0.5 * float(stats.chi2.sf(statistic, df))
        return LikelihoodRatioTest(
            statistic, df, p, f"Half chi2({df - 1}), half chi2({df}): an sd is 0 at its bound. {note}".rstrip())
    return LikelihoodRatioTest(statistic, df, float(stats.chi2.sf(statistic, df)), note)


def _of_constraints(statistic: float, df: int, pair: ConstrainedPair, note: str) -> LikelihoodRatioTest:
    """The test of constraints: each bound counts half, and of several the weights are no halves."""
    if pair.bounds > 1:
        _no_law(f"{pair.bounds} parameters lie at bounds")
    if not pair.bounds:
        return LikelihoodRatioTest(statistic, df, float(stats.chi2.sf(statistic, df)), note)
    low = df if pair.bound_is_free else df - 1
    below = float(stats.chi2.sf(statistic, low)) if low else float(statistic <= 0)
    p = 0.5 * below + 0.5 * float(stats.chi2.sf(statistic, low + 1))
    return LikelihoodRatioTest(
        statistic, low + 1, p, f"Half chi2({low}), half chi2({low + 1}): a parameter is at its bound under the "
        f"hypothesis. {note}".rstrip())


def _known_alike(res: Fit, restricted: Fit) -> bool:
    """Whether the same is known of people's groups."""
    one, other = (class_weights(f.known_sets, f.spec.set_sizes) for f in (res, restricted))
    if one is None or other is None:
        return one is None and other is None
    return one.shape == other.shape and np.array_equal(one[res.ids.get_indexer(restricted.ids)], other)


def _same_data(res: Fit, restricted: Fit) -> None:
    alike = res.nobs == restricted.nobs and res.outcome_names == restricted.outcome_names and set(res.ids) == set(
        restricted.ids)
    if not alike or any(
        not np.array_equal(np.sort(a.data.y), np.sort(b.data.y))
        for a, b in zip(res.outcomes, restricted.outcomes, strict=True)
    ):
        raise SpecificationError(
            "restricted: a fit of other people, outcomes or observations.", code="other_data", argument="restricted",
            way_out="Fit both models to the same rows: a covariate that is missing takes rows away.",
        )
    if not _known_alike(res, restricted):
        raise SpecificationError(
            "restricted: the group of other people is known.", code="other_data", argument="restricted",
            way_out="Fit both models with the same known groups: the log-likelihood is also that of these.",
        )
    if not same_event(res, restricted):
        raise SpecificationError(
            "restricted: a fit of another event, or without one: its log-likelihood is that of other observations.",
            code="other_data", argument="restricted", way_out="Fit both models with the times of the same event.",
        )
    if res.part_of or restricted.part_of:
        raise SpecificationError(
            "outcome: one outcome of several has no likelihood of its own.", code="part_of_a_fit", argument="outcome",
            way_out="Compare the whole fits.",
        )
    if res.prior != restricted.prior:
        raise SpecificationError(
            f"restricted: its prior is {_prior(restricted)}, that of the larger model {_prior(res)}: their "
            "log-likelihoods are not at maxima of the same kind.", code="other_prior", argument="restricted",
            way_out="Fit both with the same prior, or both without.",
        )
    for fit in (res, restricted):
        if fit.weighted or fit.cov_type not in BY_INFORMATION:
            _no_law("sampling weights, clusters or a robust covariance make a pseudo-likelihood")


def same_event(one: Fit, other: Fit) -> bool:
    """Whether two fits are of the same times to an event, or both of none."""
    a, b = one.event, other.event
    if a is None or b is None:
        return a is b
    return np.array_equal(np.sort(a.known[:, :FIRST], axis=0), np.sort(b.known[:, :FIRST], axis=0), equal_nan=True)


def _prior(fit: Fit) -> str:
    return "none" if fit.prior is None else fit.prior.code


def _no_law(why: str) -> None:
    raise SpecificationError(
        f"restricted: {why}, so that the statistic has no chi-square law.", code="no_chi_square", argument="restricted",
        way_out="Compare by BIC, or use wald_test(); for numbers of groups gbtm.blrt().",
    )


def _nested(res: Fit, restricted: Fit) -> ConstrainedPair | None:
    """How the constraints compare; None where there are none."""
    small, big = _bare(restricted.spec), _bare(res.spec)
    if small.set_sizes != big.set_sizes:
        sizes = (" x ".join(map(str, spec.set_sizes)) for spec in (small, big))
        _no_law(f"the fits have {' and '.join(sizes)} groups")
    if not _fewer(restricted, res) or not _inside(small, big):
        _not_nested()
    for a, b in zip(small.outcomes, big.outcomes, strict=True):
        for name in ("orders", "zero_orders"):
            low, high = getattr(a, name) or (), getattr(b, name) or ()
            if (-1 in low) != (-1 in high) or low.count(-1) != high.count(-1):
                _no_law("a group of rate zero, or without a zero part, is at infinity in the larger model")
    constrained = res.constraints is not None or restricted.constraints is not None
    pair = ConstrainedPair.of(res, restricted) if constrained else None
    further = res.df_model - restricted.df_model
    if pair is not None and pair.nested and not (further or pair.bounds):
        raise SpecificationError(
            "restricted: is the same model as the larger one, as their constraints allow the same.", code="not_nested",
            argument="restricted", way_out="Give a fit with more constraints, or with fewer coefficients.",
        )
    if (pair is not None and not pair.nested) or further < 0 or (further == 0 and pair is None):
        _not_nested()
    return pair


def _not_nested() -> NoReturn:
    raise SpecificationError(
        "restricted: is not the larger model with some coefficients 0 or equal.", code="not_nested",
        argument="restricted", way_out="Give the smaller of two nested fits, or compare by BIC.",
    )


def _inside(small: ModelSpec, big: ModelSpec) -> bool:
    """Each set of groups by itself; equal models differ in covariates alone."""
    sets = range(len(big.set_sizes))
    return all(small.of_set(s) == big.of_set(s) or nested(small.of_set(s), big.of_set(s)) for s in sets)


def _covariates(fit: Fit) -> set[tuple[str, ...]]:
    """Which covariate stands where."""
    found: set[tuple[str, ...]] = {("risk", n) for n in fit.group_sets[0].membership.covariate_names}
    if fit.dual is not None:
        found |= {("risk2", n) for n in fit.dual.basis.names}
    if fit.dropout is not None and fit.dropout.covariates is not None:
        found |= {("dcov", n) for n in fit.dropout.covariates.names}
    if fit.event is not None:
        found |= {("event", n) for n in fit.event.names}
    own = {("tcov", o.name, n) for o in fit.outcomes for n in o.covariate_names if n not in o.spec.common}
    return found | own | {("common", o.name, n) for o in fit.outcomes for n in o.spec.common}


def _fewer(restricted: Fit, res: Fit) -> bool:
    """The smaller fit's covariates are among the larger's, whose effect may be each group's own where the smaller has
    one for all."""
    own = {c[1:] for c in _covariates(res) if c[0] == "tcov"}
    return all(c in _covariates(res) or (c[0] == "common" and c[1:] in own) for c in _covariates(restricted))


def _bare(spec: ModelSpec) -> ModelSpec:
    """The model without what it says of covariates, and without constraints."""
    return replace(spec, constraints=(), outcomes=tuple(replace(o, common=()) for o in spec.outcomes))


def _freed_effects(small: ModelSpec, big: ModelSpec) -> int:
    """Sds of random effects of the larger model that are 0 in the smaller one."""
    freed = 0
    for a, b in zip(small.outcomes, big.outcomes, strict=True):
        for power in range(MAX_RANDOM_ORDER + 1):
            with_it = [sum(order >= power for order in o.random_orders or ()) for o in (a, b)]
            low, high = (int(n > 0) for n in with_it) if b.random_common else with_it
            freed += high - low
    return freed
