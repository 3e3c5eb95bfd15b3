"""Is the outcome distributed as the family says? A rootogram for counts, quantile residuals for what else there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import ndtri, softmax

from ..families import Family, those_having
from .fitted import Fitted

if TYPE_CHECKING:
    from ..fit.fit import Fit

MOST_COUNTS = 30  # above which counts are taken together
MOST_POINTS = 200
SMALLEST = 1e-15
NOTABLE_Z = 3.0
LEAST_TOTAL = 5.0  # of what is expected or observed, for a normal test to be trusted


@dataclass(frozen=True)
class Excess:
    """A share observed in a group against the one expected, with the standard error of their difference."""

    group: int
    observed: float
    expected: float
    se: float
    enough: bool

    @property
    def z(self) -> float:
        return (self.observed - self.expected) / self.se if self.se > 0 else 0.0


def spread_of(
    fitted: Fitted, share: np.ndarray, gap: np.ndarray, variance: np.ndarray, cells: np.ndarray
) -> np.ndarray:
    """Standard error of posterior-weighted means of ``gap`` in each of C cells.

    Parameters
    ----------
    share : (n,) s_i P_ik of one group
    gap : (n,) observed minus expected, in that group
    variance : (n,) its variance in the group, by the model
    cells : (n,) the cell of each observation

    Returns
    -------
    (C,)
        The larger of two: from the spread between subjects, whose observations in a cell are summed first (which
        allows for doubt about who belongs to the group), and from the family's variance (which holds where a handful
        of equal values shows no spread). The parameters are taken as known.
    """
    n_cells = int(cells.max()) + 1
    total = np.maximum(np.bincount(cells, share, n_cells), 1e-300)
    mean = np.bincount(cells, share * gap, n_cells) / total
    code, by_subject = np.unique(fitted.subject * n_cells + cells, return_inverse=True)
    sums = np.bincount(by_subject.ravel(), share * (gap - mean[cells]))
    between = np.bincount(code % n_cells, sums**2, n_cells)
    model = np.bincount(cells, share**2 * variance, n_cells)
    return np.asarray(np.sqrt(np.maximum(between, model)) / total)


def rootogram(fitted: Fitted) -> pd.DataFrame:
    """How often each count was seen, and how often the groups say it should have been.

    Expected: sum_i s_i sum_t sum_k P_ik P_k(Y_it = j). Counts above 30 are one row.

    Returns
    -------
    DataFrame with columns value (the last may read "31+"), observed, expected
    """
    y, weight = fitted.y, fitted.weight[fitted.subject]
    last = int(min(y.max(), MOST_COUNTS))
    values: list[object] = list(range(last + 1))
    observed = [weight[y == j].sum() for j in range(last + 1)]
    expected = [(fitted.share * np.exp(fitted.log_density(j))).sum() for j in range(last + 1)]
    values.append(f"{last + 1}+")
    observed.append(weight[y > last].sum())
    expected.append(max(float(weight.sum() - sum(expected)), 0.0))
    return pd.DataFrame({"value": values, "observed": observed, "expected": expected})


def zeros(fitted: Fitted) -> list[Excess]:
    """Zeros observed and expected in each group of a count outcome."""
    none = np.exp(fitted.log_density(0.0))
    seen = (fitted.y == 0).astype(float)
    cell = np.zeros(fitted.y.size, dtype=np.int64)
    out = []
    for k, share in enumerate(fitted.share):
        total = max(float(share.sum()), 1e-300)
        observed, expected = float(share @ seen) / total, float(share @ none[k]) / total
        se = float(spread_of(fitted, share, seen - none[k], none[k] * (1 - none[k]), cell)[0])
        top, low = max(observed, expected), min(observed, expected)
        out.append(Excess(k + 1, observed, expected, se, min(top, 1 - low) * total >= LEAST_TOTAL))
    return out


def dispersion(fitted: Fitted) -> tuple[float, float]:
    """Mean squared Pearson residual, 1 where the variance is the family's, and its standard error between subjects."""
    spread = np.sqrt(fitted.variance)
    with np.errstate(invalid="ignore", divide="ignore"):
        square = np.where(spread > 0, ((fitted.y - fitted.expected) / spread) ** 2, 0.0)
    share = np.where(spread > 0, fitted.share, 0.0)
    total = share.sum()
    ratio = float((share * square).sum() / total)
    subject_sums = np.bincount(fitted.subject, (share * (square - ratio)).sum(axis=0), fitted.n_subjects)
    return ratio, float(np.sqrt((subject_sums**2).sum()) / total)


def quantile_residuals(res: Fit, fitted: Fitted, rng: int) -> np.ndarray:
    """(n,) randomized quantile residuals (Dunn & Smyth 1996): standard normal if the model is right.

    Phi^-1 of a point drawn between P(Y_it < y_it) and P(Y_it <= y_it), these being mixtures over the groups with
    weights P(k | what else is known of subject i): the posterior with the observation itself taken out, as it would
    otherwise foretell itself; of several outcomes the others have their say in it. With correlated errors the weights
    are pi_k(z_i).
    """
    at = (_log_weights_of_part if res.part_of else _log_weights)(res, fitted)[fitted.subject].T
    if not fitted.correlated:
        at = at - fitted.log_density()
    weight = softmax(at, axis=0)
    with np.errstate(over="ignore"):
        below, upto = ((weight * part).sum(axis=0) for part in fitted.family.cumulative(fitted.y, fitted.predictors))
    point = below + np.random.default_rng(rng).random(below.size) * (upto - below)
    return np.asarray(ndtri(np.clip(point, SMALLEST, 1 - SMALLEST)))


def _log_weights(res: Fit, fitted: Fitted) -> np.ndarray:
    """(N, K) log of the groups' weights for each subject, up to a number of its own, before an observation is taken
    out."""
    import torch

    from ..record.rebuild import module_of

    module = module_of(res)
    flat = torch.as_tensor(res.internal.params)[None]
    with torch.no_grad():
        log_weight = (module.membership.log_weights(flat) if fitted.correlated else module.joint(flat))[0].T.numpy()
    log_weight = np.broadcast_to(log_weight, (module.weight.numel(), res.n_groups))
    return np.asarray(log_weight if module.expand is None else log_weight[module.expand])


def _log_weights_of_part(res: Fit, fitted: Fitted) -> np.ndarray:
    """The same for one outcome of several, whose own likelihood is not what the posteriors come from."""
    from ..record.rebuild import layout_of, panel_of

    if not fitted.correlated:
        return np.asarray(np.log(np.maximum(fitted.posterior, 1e-300)))
    subjects = panel_of(res).subjects
    prior = layout_of(res).shares_given(res.internal.params, subjects.risk, subjects.risk2)
    return np.log(np.broadcast_to(prior, fitted.posterior.shape))


def quantile_table(residuals: np.ndarray) -> pd.DataFrame:
    """Normal quantiles beside those of the residuals: theoretical, sample, lower, upper.

    lower and upper hold 95 % of each order statistic of as many independent normal values.
    """
    n = residuals.size
    rank = np.unique(np.round(np.linspace(1, n, min(n, MOST_POINTS)))).astype(int)
    low, high = (ndtri(stats.beta.ppf(p, rank, n - rank + 1)) for p in (0.025, 0.975))
    sample = np.sort(residuals)[rank - 1]
    return pd.DataFrame({"theoretical": ndtri((rank - 0.5) / n), "sample": sample, "lower": low, "upper": high})


def normality(residuals: np.ndarray, fitted: Fitted) -> pd.DataFrame:
    """Moments of the quantile residuals: value, what it is for a standard normal, and a standard error.

    Means over observations of the Hermite polynomials r, r^2 - 1, r^3 - 3 r, r^4 - 6 r^2 + 3, each 0 if the model is
    right; standard errors from the spread between subjects. The third and the fourth are skewness and excess kurtosis
    where mean and variance are right.
    """
    r, s = residuals, fitted.weight[fitted.subject]
    shapes = {
        "mean": (r, 0.0), "variance": (r**2 - 1, 1.0), "skewness": (r**3 - 3 * r, 0.0),
        "excess kurtosis": (r**4 - 6 * r**2 + 3, 0.0),
    }
    rows = {}
    for name, (h, normal) in shapes.items():
        mean = float(s @ h / s.sum())
        subject_sums = np.bincount(fitted.subject, s * (h - mean), fitted.n_subjects)
        rows[name] = {"value": mean + normal, "normal": normal, "se": float(np.sqrt((subject_sums**2).sum()) / s.sum())}
    return pd.DataFrame.from_dict(rows, orient="index")


def said_of_counts(fitted: Fitted, family: Family) -> list[str]:
    """Zeros and variance of counts in words."""
    sentences = []
    for e in zeros(fitted):
        if abs(e.z) > NOTABLE_Z and e.enough:
            cure = "a higher iorder" if family.has_zero_part else "zero inflation or a higher order"
            remedy = f" Consider {cure} for it." if e.z > 0 else ""
            sentences.append(
                f"Group {e.group} has too {'many' if e.z > 0 else 'few'} zeros for the model: "
                f"{100 * e.observed:.1f} % observed, {100 * e.expected:.1f} % expected.{remedy}"
            )
    ratio, se = dispersion(fitted)
    if abs(ratio - 1) > max(NOTABLE_Z * se, 0.1):
        plain = ratio > 1 and not family.has_dispersion
        more = f" Consider family {those_having('has_dispersion', 'or')}, or more groups." if plain else ""
        sentences.append(
            f"Within groups the squared residuals are {ratio:.2f} times (standard error {se:.2f}) what the family says."
            f"{more}"
        )
    return sentences or ["The counts, their zeros and their variance within groups are as the model says."]


def said_of_residuals(table: pd.DataFrame, family: Family) -> list[str]:
    """The distribution of quantile residuals in words."""
    words = {
        "mean": ("lie higher", "lie lower"), "variance": ("spread more", "spread less"),
        "skewness": ("have a longer upper tail", "have a longer lower tail"),
        "excess kurtosis": ("have heavier tails", "have lighter tails"),
    }
    departures = [
        words[str(name)][int(row["value"] < row["normal"])]
        for name, row in table.iterrows()
        if abs(row["value"] - row["normal"]) > max(NOTABLE_Z * row["se"], 0.1)
    ]
    if not departures:
        return ["The distribution of the residuals is as the model says."]
    return [f"Outcomes {' and '.join(departures)} than the model says. {family.residual_remedy}".rstrip()]

