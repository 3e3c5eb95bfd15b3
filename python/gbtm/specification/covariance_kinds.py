"""The kinds of covariance that a fit may have, by the names the field gives them. No data, no torch.

HC1 to HC3 are those of MacKinnon and White (1985), with people in place of observations: HC1 multiplies the sandwich by
N / (N - k), HC2 and HC3 correct each person's score for his leverage. CR1S, CR2 and CR3 are the same of clusters (Bell
and McCaffrey 2002; Pustejovsky and Tipton 2018): G / (G - 1) (N - 1) / (N - k), and the leverage of a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import SpecificationError


@dataclass(frozen=True)
class CovarianceKind:
    """One kind of covariance.

    Attributes
    ----------
    name : as it stands in ``cov_type``
    units : what is taken to be independent in a sandwich, "people" or "clusters"; "" where the kind has no sandwich
    title : of tables, as in "Standard errors: robust (sandwich)"
    phrase : of a sentence, as in "standard errors from a sandwich (robust)"
    leverage : power of 1 - leverage by which scores are corrected, 0 where they are not
    few : corrected for few units
    """

    name: str
    units: str
    title: str
    phrase: str
    leverage: float = 0.0
    few: bool = False

    @property
    def reference(self) -> str:
        """How many degrees of freedom t has in its intervals and tests: "clusters", those of clusters less strata,
        "people", people less parameters, or "" for the normal distribution."""
        return "clusters" if self.units == "clusters" else "people" if self.few else ""

    @property
    def of_people(self) -> str:
        """The kind of the same correction with people as units."""
        return {"CR1S": "HC1", "CR2": "HC2", "CR3": "HC3"}.get(self.name, "robust")


_PEOPLE = "with people as units"
COVARIANCE_KINDS = {kind.name: kind for kind in (
    CovarianceKind("hessian", "", "observed information", "the inverse of the observed information"),
    CovarianceKind("robust", "people", "robust (sandwich)", "a sandwich (robust)"),
    CovarianceKind("cluster", "clusters", "robust, by sampling cluster and stratum",
                   "a sandwich that respects clusters and strata"),
    CovarianceKind("traj", "", "observed information, traj's correction",
                   "the observed information as Stata's traj uses it"),
    CovarianceKind("HC1", "people", "robust (sandwich), HC1: times N / (N - k)",
                   f"a sandwich {_PEOPLE}, times N / (N - k) (HC1)", few=True),
    CovarianceKind("HC2", "people", "robust (sandwich), HC2: corrected for each person's leverage",
                   f"a sandwich {_PEOPLE}, corrected for their leverage (HC2)", -0.5, few=True),
    CovarianceKind("HC3", "people", "robust (sandwich), HC3: as if each person were left out in turn",
                   f"a sandwich {_PEOPLE}, corrected as a jackknife over them (HC3)", -1.0, few=True),
    CovarianceKind("CR1S", "clusters", "robust, by cluster and stratum, CR1S: times (N - 1) / (N - k)",
                   "a sandwich that respects clusters and strata, times (N - 1) / (N - k) (CR1S)", few=True),
    CovarianceKind("CR2", "clusters", "robust, by cluster, CR2: corrected for each cluster's leverage",
                   "a sandwich by cluster, corrected for their leverage (CR2)", -0.5, few=True),
    CovarianceKind("CR3", "clusters", "robust, by cluster, CR3: as if each cluster were left out in turn",
                   "a sandwich by cluster, corrected as a jackknife over them (CR3)", -1.0, few=True),
)}
# what others call what has a plain name here
SAME = {"hc0": "robust", "hc": "robust", "cr0": "cluster", "cr1": "cluster", "cr": "cluster"}


def kind_named(cov_type: str) -> CovarianceKind:
    """The kind of this name, in small letters or capitals.

    Raises
    ------
    SpecificationError
        ``bad_cov_type``.
    """
    found = {name.lower(): kind for name, kind in COVARIANCE_KINDS.items()}.get(str(cov_type).lower())
    if found is None:
        ours = SAME.get(str(cov_type).lower())
        raise SpecificationError(
            f"cov_type: '{cov_type}' is not known.", code="bad_cov_type", argument="cov_type",
            way_out=f"It is called '{ours}' here." if ours else f"Use one of {', '.join(COVARIANCE_KINDS)}.",
        )
    return found
