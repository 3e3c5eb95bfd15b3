"""Is there overdispersion at all? A likelihood-ratio test of the negative binomial against the Poisson.

psi = 0 lies on the boundary of what psi can be, so that the statistic is zero in half of all samples without
overdispersion: its law is the mixture chi-square(0)/2 + chi-square(1)/2, and a p-value from chi-square(1) is twice too
large (Self and Liang 1987). With a psi for each of K groups the weights are those of a binomial(K, 1/2), exact where
the groups' psi are estimated independently.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import comb
from scipy.stats import chi2

from ..arguments import checked
from ..errors import SpecificationError
from ..families import family_named, having
from ..fit.hidden_units import refuse_networks
from ..fit.outcome_view import number_of
from ..model.prepared import Prepared

if TYPE_CHECKING:
    from ..fit.fit import Fit


@dataclass(frozen=True)
class DispersionTest:
    """Outcome of :func:`dispersion_test`.

    Attributes
    ----------
    statistic : 2 (log-likelihood with psi - without)
    pvalue : from the mixture of chi-squares
    weights : of chi-square(0), chi-square(1), ..
    without : the fit without psi
    """

    statistic: float
    pvalue: float
    weights: tuple[float, ...]
    without: Fit

    def __str__(self) -> str:
        law = " + ".join(f"{w:.4g} chi2({j})" for j, w in enumerate(self.weights))
        family = ", ".join(o.family for o in self.without.outcomes)
        return (
            f"Likelihood-ratio test of no overdispersion: {self.statistic:.3f}, p = {self.pvalue:.4g} (law {law}); "
            f"without psi the family is '{family}', log-likelihood {self.without.llf:.4f}."
        )


@checked
def dispersion_test(res: Fit, *, outcome: str | int | None = None, **fit_options: Any) -> DispersionTest:
    """Likelihood-ratio test of a fit with psi against the fit of the family without it.

    That is of negbin against poisson, of zinb against zip, and of hurdle_negbin against hurdle.

    Parameters
    ----------
    outcome : of several outcomes the one whose psi is tested, by name or number from 1; the others stay as they are
    fit_options : passed to :meth:`gbtm.GBTM.fit` for the fit without psi

    Raises
    ------
    SpecificationError
        For another family, and for weighted fits.
    """
    from ..fit.fit_model import fit_as_asked
    from ..record.rebuild import panel_of, parts_of

    if res.part_of or (outcome is None and len(res.outcomes) > 1):
        names = ", ".join(res.part_of or res.outcome_names)
        raise SpecificationError(
            f"outcome: the fit is of {names}, and psi that of one of them.", code="several_outcomes",
            argument="outcome",
            way_out="Ask the whole fit with outcome=, the name of a count: the others are fitted as they are.",
        )
    refuse_networks(res, "outcome", "the fit without psi", "Fit both families, and compare them by BIC.")
    m = 0 if outcome is None else number_of(res.outcome_names, outcome)
    family = res.outcomes[m].family
    without_psi = family_named(family).without_dispersion
    if without_psi is None:
        raise SpecificationError(
            f"family: '{family}' has no dispersion psi to test.", code="no_dispersion", argument="family",
            way_out=f"Fit one of {', '.join(having('without_dispersion'))}.",
        )
    if res.weighted:
        raise SpecificationError(
            "weights: log-likelihoods with sampling weights have no likelihood-ratio test.", code="weighted_test",
            argument="weights", way_out="Look at psi and its robust standard error.",
        )
    spec, parts = res.spec, parts_of(res)
    spec.refuse_constraints(
        "res", "which may name psi.", "Fit the model without psi under the same constraints, and compare by BIC.")
    outcomes = [replace(o, family=without_psi, dispersion_by_group=False) if i == m else o
                for i, o in enumerate(spec.outcomes)]
    panel = replace(panel_of(res), history=None)
    bases = [p.bases["mean"] if o.orders is None else None for o, p in zip(outcomes, parts, strict=False)]
    prepared = Prepared.of(panel, replace(spec, outcomes=tuple(outcomes)), bases)
    without = res.like(fit_as_asked(prepared, **fit_options))
    k = res.n_groups if spec.outcomes[m].dispersion_by_group else 1
    weights = tuple(float(comb(k, j)) / 2.0**k for j in range(k + 1))
    statistic = max(0.0, 2 * (res.llf - without.llf))
    tails = [float(statistic <= 0)] + [float(chi2.sf(statistic, j)) for j in range(1, k + 1)]
    return DispersionTest(statistic, float(np.dot(weights, tails)), weights, without)
