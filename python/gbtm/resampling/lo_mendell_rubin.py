"""The Lo-Mendell-Rubin adjusted likelihood-ratio test of K groups against K - 1, with its caveat.

Vuong (1989, Econometrica 57, 307-333, theorem 3.3): where the two models' best densities are the same, 2 (l_f - l_g)
has in large samples the distribution of sum_j lambda_j chi2_1. With scores s_i = (s_fi, s_gi) and observed
informations A_f, A_g, the statistic is close to z' Q z, Q = diag(A_f^-1, -A_g^-1), z of variance B = sum_i s_i s_i', so
that the lambda are the eigenvalues of Q B. Lo, Mendell and Rubin (2001, Biometrika 88, 767-778) refer
LR / (1 + 1 / ((p_f - p_g) ln N)) to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats
from scipy.integrate import quad

from ..arguments import checked
from ..checks import check_seed
from .smaller import nested_pair

if TYPE_CHECKING:
    from ..data.panel import Panel
    from ..fit.fit import Fit
    from ..model.layout import Layout

NEGLIGIBLE = 1e-6  # of the largest weight
ACCURACY = 1e-6  # digits of a smaller p are those of the integration, not of the test
CAVEAT = (
    "The theorem behind this test does not hold for the number of groups (Jeffries 2003): under the smaller model the "
    "parameters of the larger one are not determined. Take it as a description and test with blrt()."
)


@dataclass(frozen=True)
class LoMendellRubin:
    """The test of ``groups`` against one group less.

    Attributes
    ----------
    statistic : 2 (loglik - smaller_loglik)
    adjusted : statistic / (1 + 1 / (df ln N)), N subjects
    p_value : of ``adjusted``: P(sum_j weights_j chi2_1 >= adjusted), to about 1e-8
    p_unadjusted : of ``statistic`` (Vuong-Lo-Mendell-Rubin)
    df : difference of the numbers of parameters
    weights : (d,) the lambda_j, largest first
    """

    groups: int
    statistic: float
    adjusted: float
    p_value: float
    p_unadjusted: float
    df: int
    weights: np.ndarray

    @property
    def sentence(self) -> str:
        """The result in words, with the caveat."""
        k = self.groups
        p = f"p = {self.p_value:.3g}" if self.p_value >= ACCURACY else f"p < {ACCURACY:g}"
        return (
            f"Lo-Mendell-Rubin adjusted likelihood-ratio test of {k} against {k - 1} group{'s' if k > 2 else ''}: "
            f"{self.adjusted:.2f} (unadjusted {self.statistic:.2f}), {p} by Vuong's weighted sum of chi-squares. "
            f" {CAVEAT}"
        )

    def __repr__(self) -> str:
        return f"<LoMendellRubin: {self.sentence}>"


@checked
def lmr(res: Fit, smaller: Fit | None = None, *, rng: int = 0) -> LoMendellRubin:
    """Lo-Mendell-Rubin adjusted likelihood-ratio test of a fit against one with a group less.

    Jeffries (2003, Biometrika 90, 991-994) showed that the proof needs conditions that fail for mixtures: the result
    is at best a description, and :func:`~gbtm.resampling.likelihood_ratio.blrt` is the test to report. Parameters that
    the data do not determine (at infinity, or of an empty group) are left out of the weighted sum.

    Parameters
    ----------
    res : fit with K >= 2 groups
    smaller : fit with K - 1 groups to the same data; by default the model without the last group, fitted here
    rng : seed of that fit

    Raises
    ------
    SpecificationError
        ``not_nested``, ``one_group``.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=1, family="normal").fit(rng=0)
    >>> gbtm.lmr(res).p_value < 0.001
    True
    """
    from ..record.rebuild import prepared_of

    check_seed(rng)
    model = prepared_of(res)
    _, _, below = nested_pair(res, smaller, model.spec, model.panel, model.bases, rng)
    statistic = 2 * (res.llf - below.loglik)
    larger_scores = _scores(model.layout, model.layout.unreport(res.params.to_numpy()), model.panel)
    smaller_scores = _scores(below.layout, below.flat, model.panel)
    weights = vuong_weights(*larger_scores, *smaller_scores)
    df = model.layout.size - below.layout.size
    adjusted = statistic / (1 + 1 / (df * np.log(model.panel.n_subjects)))
    return LoMendellRubin(
        groups=res.n_groups, statistic=statistic, adjusted=adjusted, p_value=weighted_chi_squares(adjusted, weights),
        p_unadjusted=weighted_chi_squares(statistic, weights), df=df, weights=weights,
    )


def _scores(layout: Layout, flat: np.ndarray, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Weighted scores of the subjects (N, p), and the inverse (p, p) of the observed information."""
    import torch

    from ..estimation.covariance import covariance, information
    from ..likelihood.derivatives import subject_scores
    from ..likelihood.mixture import Mixture

    module = Mixture.near(layout, panel, flat)
    with torch.no_grad():
        scores = subject_scores(module, torch.as_tensor(flat)).cpu().numpy()
    scores = scores if module.expand is None else scores[module.expand]
    inverse = covariance(information(module, flat), "hessian", panel.nobs).internal
    return scores * panel.subjects.relative_weights[:, None], inverse


def vuong_weights(
    scores: np.ndarray, inverse: np.ndarray, other_scores: np.ndarray, other_inverse: np.ndarray
) -> np.ndarray:
    """Eigenvalues of diag(A_f^-1, -A_g^-1) B, the negligible ones left out, largest first.

    Parameters
    ----------
    scores, other_scores : (N, p) and (N, q) of the two models
    inverse, other_inverse : (p, p) and (q, q), of their observed informations
    """
    p, q = inverse.shape[0], other_inverse.shape[0]
    form = np.zeros((p + q, p + q))
    form[:p, :p], form[p:, p:] = inverse, -other_inverse
    root = np.asarray(np.linalg.qr(np.hstack([scores, other_scores]), mode="r"))  # B = root' root
    values = np.linalg.eigvalsh(root @ form @ root.T)[::-1]
    return values[np.abs(values) > NEGLIGIBLE * np.abs(values).max()]


def weighted_chi_squares(x: float, weights: np.ndarray) -> float:
    """P(sum_j weights_j chi2_1 >= x), weights of either sign; Imhof (1961, Biometrika 48, 419-426), equation 3.2.

    1/2 + (1/pi) int_0^inf sin(a(u) - x u / 2) / (u r(u)) du with a(u) = sum_j arctan(weights_j u) / 2 and
    r(u) = prod_j (1 + weights_j^2 u^2)^(1/4); the tail of the integral is taken as a Fourier integral.
    """
    scale = float(np.abs(weights).max())
    if np.ptp(weights) < 1e-9 * scale and scale == abs(weights[0]):  # all equal: a chi-square, scaled
        sign = np.sign(weights[0])
        value = stats.chi2.sf(max(x / weights[0], 0.0), weights.size)
        return float(value if sign > 0 else 1 - value)
    w, x = weights / scale, x / scale

    def angle(u: float) -> float:
        return 0.5 * float(np.arctan(w * u).sum())

    def size(u: float) -> float:
        return u * float(np.exp(0.25 * np.log1p((w * u) ** 2).sum()))

    first = quad(lambda u: np.sin(angle(u) - 0.5 * x * u) / size(u), 0, 1, limit=200)[0]
    if abs(x) < 1e-12:
        rest = quad(lambda u: np.sin(angle(u)) / size(u), 1, np.inf, limit=500)[0]
    else:
        along: dict[str, Any] = {"wvar": 0.5 * x, "limlst": 200, "limit": 200}
        rest = quad(lambda u: np.sin(angle(u)) / size(u), 1, np.inf, weight="cos", **along)[0]
        rest -= quad(lambda u: np.cos(angle(u)) / size(u), 1, np.inf, weight="sin", **along)[0]
    return float(np.clip(0.5 + (first + rest) / np.pi, 0.0, 1.0))
