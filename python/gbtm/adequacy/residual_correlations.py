"""Are outcomes that share their groups independent within them? Residuals of different outcomes at the same times."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from ..errors import SpecificationError
from ..fit.other_covariance import scores
from .fitted import Fitted
from .outcome_contributions import refuse_one_outcome

if TYPE_CHECKING:
    from ..fit.fit import Fit

LEVEL = 0.05  # of all tests together, below which a correlation is named
NOTABLE = 0.1  # correlation from which on it can make groups of its own
SAME_TIME = 9  # digits of a time, in units of the largest, that have to agree


def residual_correlations(res: Fit, *, by_group: bool = True) -> pd.DataFrame:
    """Correlation of the residuals of two outcomes of one person at one time, within groups.

    The model takes outcomes as independent within a group. Where they are not, groups may have to make up for it that
    are not there. With e_itmk the standardized residual of outcome m in group k (Pearson's; with AR(1) errors or random
    effects the innovation) and P_ik the posterior probabilities, the estimate for outcomes m and l is

        r_k = sum_i s_i P_ik sum_t e_itmk e_itlk / sqrt(sum_i s_i P_ik sum_t e_itmk^2 sum_i s_i P_ik sum_t e_itlk^2)

    Parameters
    ----------
    by_group : a row for each group; False adds the groups up, one row a pair of outcomes

    Returns
    -------
    DataFrame with columns outcome, other, group (where ``by_group``), people and pairs (how many have values of both at
    the same time, and how many pairs of values; unweighted), correlation, std err, z, p; NaN where nobody has both.
    ``.attrs["notes"]`` says in sentences what that means

    Notes
    -----
    Under the model the mean of U_i = s_i P_ik sum_t e_itmk e_itlk is exactly 0, whatever the group sizes, because
    P_ik weights a person's outcomes as the group's own density does. What the estimation of the parameters takes away
    from the spread of its sum is taken into account by regressing U_i on the scores of the log-likelihood (a
    conditional-moment test; Newey 1985, Econometrica 53, 1047-1070): with v_i the residuals of that regression,
    se^2 = N / (N - p) sum_i v_i^2. So z = r / se is standard normal under independence in large samples, and ``p`` is
    two-sided by it; ``std err`` is that under independence. With clusters v_i is added up within each, and
    C / (C - 1) takes the place of N / (N - p). Times count as the same where they agree to nine digits.

    Raises
    ------
    SpecificationError
        ``one_outcome``, ``part_of_a_fit``; ``no_common_time`` where no two outcomes were measured at one time.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> data["z"] = data["y"].sample(frac=1.0, random_state=0).to_numpy()
    >>> res = gbtm.GBTM.from_formula(["y ~ t", "z ~ t"], data, id="id", groups=2, order=2).fit(n_starts=4)
    >>> res.residual_correlations(by_group=False)["pairs"].tolist()
    [1100]
    """
    refuse_one_outcome(res)
    fitted = [Fitted.of(res.of_outcome(m + 1)) for m in range(len(res.outcomes))]
    by_subject, rows = scores(res).to_numpy(), []
    for m, other in combinations(range(len(fitted)), 2):
        first, second = _same_times(fitted[m], fitted[other])
        products = _products(fitted[m], fitted[other], first, second)
        here = {
            "outcome": res.outcome_names[m], "other": res.outcome_names[other],
            "people": np.unique(fitted[m].subject[first]).size, "pairs": first.size,
        }
        for k, p in enumerate(products if by_group else [products.sum(axis=0)]):
            rows.append({**here, "group": k + 1, **_test(p, fitted[0].weight, by_subject, res.cluster)})
    table = pd.DataFrame(rows)
    if not table["pairs"].any():
        raise SpecificationError(
            f"outcome: no two of {', '.join(res.outcome_names)} were measured at one time of one person, so that "
            "nothing can be said of their correlation.", code="no_common_time", argument="outcome",
            way_out="Times are compared as they are: give all outcomes the time in one unit.",
        )
    counted = ["outcome", "other", "group", "people", "pairs"] if by_group else ["outcome", "other", "people", "pairs"]
    table = table[[*counted, "correlation", "std err", "z", "p"]]
    table.attrs["notes"] = _notes(table)
    return table


def _same_times(one: Fitted, other: Fitted) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the one and of the other that are of the same person at the same time."""
    unit = max(np.abs(one.time).max(initial=0.0), np.abs(other.time).max(initial=0.0), 1e-300)
    tables = [
        pd.DataFrame({"who": f.subject, "when": np.round(f.time / unit, SAME_TIME), "row": np.arange(f.time.size)})
        for f in (one, other)
    ]
    both = tables[0].merge(tables[1], on=["who", "when"], suffixes=("", "_other"))
    return both["row"].to_numpy(), both["row_other"].to_numpy()


def _products(one: Fitted, other: Fitted, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(K, N, 3) P_ik times the sums over a person's pairs of e e', e^2 and e'^2."""
    who, n = one.subject[first], one.n_subjects
    e, f = one.standardized[:, first], other.standardized[:, second]
    return np.stack([
        np.stack([np.bincount(who, x, n) for x in (a * b, a * a, b * b)], axis=1) * one.posterior[:, k, None]
        for k, (a, b) in enumerate(zip(e, f, strict=True))
    ])


def _test(
    products: np.ndarray, weight: np.ndarray, by_subject: np.ndarray, cluster: np.ndarray | None
) -> dict[str, float]:
    """The estimate from products (N, 3), with its standard error under independence."""
    total = weight @ products
    scale = float(np.sqrt(total[1] * total[2]))
    if not scale > 0:
        return dict.fromkeys(("correlation", "std err", "z", "p"), np.nan)
    # weighted regression on the scores, which have the weights in them already
    root, positive = np.sqrt(weight), weight > 0
    design = np.where(positive[:, None], by_subject / np.where(positive, root, 1.0)[:, None], 0.0)
    unit = np.linalg.norm(design, axis=0)
    design = design / np.where(unit > 0, unit, 1.0)
    y = root * products[:, 0]
    slope, _, rank, _ = np.linalg.lstsq(design, y, rcond=1e-9)
    left = root * (y - design @ slope)
    n = int(positive.sum())
    if cluster is None:
        factor = n / max(n - int(rank), 1)
    else:
        left = np.bincount(cluster, left)
        n_clusters = np.unique(cluster).size
        factor = n_clusters / max(n_clusters - 1, 1)
    se = float(np.sqrt(factor * (left**2).sum())) / scale
    r = float(total[0]) / scale
    z = r / se if se > 0 else np.nan
    return {"correlation": r, "std err": se, "z": z, "p": float(2 * stats.norm.sf(abs(z)))}


def _notes(table: pd.DataFrame) -> list[str]:
    tested = table[table["p"].notna()]
    limit = LEVEL / max(len(tested), 1)
    notes = []
    for row in tested[tested["p"] < limit].to_dict("records"):
        where = f" in group {row['group']}" if "group" in row else " within groups"
        much = (
            "groups may stand for that correlation rather than for people" if abs(row["correlation"]) >= NOTABLE
            else "small, though not chance"
        )
        notes.append(
            f"{row['outcome']} and {row['other']} at the same time correlate by {row['correlation']:.2f}{where} "
            f"(p = {row['p']:.2g}): {much}."
        )
    if not notes:
        notes.append(
            f"No residual correlation between outcomes that {len(tested)} tests at {LEVEL:g} together (Bonferroni) "
            "would find: nothing speaks against outcomes that are independent within groups."
        )
    for name, other in table.loc[table["pairs"] == 0, ["outcome", "other"]].drop_duplicates().to_numpy():
        notes.append(f"{name} and {other} have no time in common, so that nothing can be said of them.")
    return notes
