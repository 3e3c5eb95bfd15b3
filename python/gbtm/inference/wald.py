"""Wald tests of hypotheses on the parameters: one by one, jointly, nonlinear ones.

W = (R b - q)' (R V R')^-1 (R b - q) is chi-square with rank R degrees of freedom under R b = q; for functions g of the
parameters g(b) takes the place of R b and its derivative that of R.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from ..arguments import checked
from ..columns.reading import number_array
from ..errors import SpecificationError
from .delta import differentiate
from .hypotheses import covariance_of, independent, linear_hypotheses, quadratic_form, scales_of

if TYPE_CHECKING:
    from ..fit.fit import Fit

@dataclass(frozen=True)
class WaldTest:
    """A joint Wald test.

    Attributes
    ----------
    statistic : chi-square, or F where ``distribution`` is "F"
    df : number of independent hypotheses
    pvalue : probability of a larger statistic
    df_denom : denominator degrees of freedom of F, else None
    hypotheses : the independent hypotheses in words
    notes : what to know of the test, in sentences
    """

    statistic: float
    df: int
    pvalue: float
    distribution: str
    df_denom: float | None
    hypotheses: list[str]
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """The hypotheses, the statistic and the notes as text."""
        p = "< 0.0001" if self.pvalue < 1e-4 else f"= {self.pvalue:.4f}"
        head = f"F({self.df}, {self.df_denom:g})" if self.distribution == "F" else f"chi2({self.df})"
        lines = ["Wald test", *(f"  {h}" for h in self.hypotheses), f"{head} = {self.statistic:.4f}, p {p}"]
        return "\n".join([*lines, *(f"Note: {n}" for n in self.notes)])

    __str__ = summary
    __repr__ = summary


@checked
def t_test(res: Fit, hypotheses: Any, *, use_t: bool | None = None, df: float | None = None) -> Any:
    """Test linear hypotheses one by one.

    Parameters
    ----------
    hypotheses : text such as ``"t[1] = t[2], sigma = 1"`` in the names of ``res.params``, a list of texts, a mapping of
        expressions to values, a matrix R (m, p), or a pair (R, q). Without an equals sign, "= 0" is meant; a chain
        ``a = b = c`` is two hypotheses.
    use_t : t in place of the normal distribution; None for t where ``res.df_inference`` is finite, as it is by cluster
    df : its degrees of freedom, which ask for t; by default ``res.df_inference``, and where that is infinite the number
        of observations, as Stata's traj has it (with ``cov_type="traj"`` this gives traj's p-values)

    Returns
    -------
    statsmodels' ContrastResults: ``effect`` (m,), ``sd`` (m,), ``statistic`` (m,), ``pvalue``, ``conf_int()`` (m, 2),
    ``summary()``, ``summary_frame()``. The effect is R b, what is said of the parameters without the constants

    Raises
    ------
    SpecificationError
        ``unknown_parameter``, ``bad_expression``, ``not_linear``, ``bad_hypotheses``; ``no_standard_error`` where the
        data do not determine what a hypothesis speaks of.

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.inference.wald import t_test
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2).fit(rng=0)
    >>> test = t_test(res, "t[1] = t[2], sigma = 0.03")
    >>> test.effect.round(3).tolist(), test.pvalue.round(3).tolist()
    ([-0.497, 0.028], [0.0, 0.008])
    """
    from statsmodels.stats.contrast import ContrastResults

    h = linear_hypotheses(hypotheses, list(res.params.index))
    variance = np.diag(covariance_of(res, h.matrix, h.labels, "hypotheses"))
    if not (variance > 0).all():
        raise SpecificationError(
            f"hypotheses: '{h.labels[int(np.argmin(variance))]}' concerns nothing that is estimated.",
            code="bad_hypotheses", argument="hypotheses", way_out="Leave it out.",
        )
    effect, sd = h.matrix @ res.params.to_numpy(), np.sqrt(variance)
    statistic = (effect - h.value) / sd
    if _asked(res, use_t, df):
        test = ContrastResults(effect=effect, t=statistic, sd=sd, df_denom=_degrees(res, df))
    else:
        test = ContrastResults(effect=effect, statistic=statistic, sd=sd, distribution="norm")
    test.c_names = h.labels
    return test


def _asked(res: Fit, use: bool | None, df: float | None) -> bool:
    """Whether t or F is asked for in place of the normal distribution or chi-square."""
    return df is not None or (bool(np.isfinite(res.df_inference)) if use is None else use)


def _degrees(res: Fit, df: float | None) -> float:
    if df is None:
        return res.df_inference if np.isfinite(res.df_inference) else float(res.nobs)
    if not (isinstance(df, (int, float, np.number)) and df > 0):
        raise SpecificationError(
            f"df: {df!r} is not a positive number.", code="bad_df", argument="df",
            way_out="Leave it out for those of the fit, or the number of observations.",
        )
    return float(df)


@checked
def wald_test(res: Fit, hypotheses: Any, *, use_f: bool | None = None, df: float | None = None) -> WaldTest:
    """Test linear hypotheses jointly.

    Parameters
    ----------
    hypotheses : as in :func:`t_test`
    use_f : F in place of chi-square; None for F where ``res.df_inference`` is finite, as it is by cluster
    df : denominator degrees of freedom of F, which it asks for; by default ``res.df_inference``, and where that is
        infinite the number of observations

    Returns
    -------
    WaldTest. Hypotheses that follow from the others are left out with a note

    Raises
    ------
    SpecificationError
        As :func:`t_test`, and ``contradictory`` for hypotheses that cannot hold together, ``singular_covariance``
        where some combination of them has no variance.

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.inference.wald import wald_test
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2).fit(rng=0)
    >>> print(wald_test(res, "t^2[2] = 0, t[1] = 0"))
    Wald test
      t^2[2] = 0
      t[1] = 0
    chi2(2) = 2.1762, p = 0.3369
    """
    h = linear_hypotheses(hypotheses, list(res.params.index))
    covariance_of(res, h.matrix, h.labels, "hypotheses")  # of every row, also of those that follow from others
    h = independent(h, scales_of(res.cov_params().to_numpy(), res.internal))
    cov = covariance_of(res, h.matrix, h.labels, "hypotheses")
    w = quadratic_form(h.matrix @ res.params.to_numpy() - h.value, cov, h.labels, "hypotheses")
    return joint_test(res, w, h.labels, h.notes, use_f=use_f, df=df)


def joint_test(
    res: Fit, w: float, labels: list[str], notes: tuple[str, ...] = (), *, use_f: bool | None = None,
    df: float | None = None
) -> WaldTest:
    """The test of a Wald statistic of as many hypotheses as labels: chi-square, or F as :func:`wald_test` has it."""
    m = len(labels)
    if not _asked(res, use_f, df):
        return WaldTest(w, m, float(stats.chi2.sf(w, m)), "chi2", None, labels, notes)
    below = _degrees(res, df)
    return WaldTest(w / m, m, float(stats.f.sf(w / m, m, below)), "F", below, labels, notes)


@checked
def wald_test_nonlinear(
    res: Fit, function: Any, value: Any = 0.0, *, use_f: bool | None = None, df: float | None = None
) -> WaldTest:
    """Test jointly that functions of the parameters have given values, by the delta method.

    Parameters
    ----------
    function : expressions or a Python function, as in :func:`gbtm.inference.delta.delta`; an expression may be an
        equation, ``"-t[1] / (2 * t^2[1]) = 3"``
    value : number or (r,), what the functions are under the hypothesis
    use_f, df : as in :func:`wald_test`

    Returns
    -------
    WaldTest. Unlike the test of linear hypotheses it depends on how the hypothesis is written: that a = b and that
    a / b = 1 give different numbers

    Raises
    ------
    SpecificationError
        As :func:`gbtm.inference.delta.delta` and :func:`wald_test`; ``bad_value``.

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.inference.wald import wald_test_nonlinear
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2).fit(rng=0)
    >>> print(wald_test_nonlinear(res, "-t[1] / (2 * t^2[1]) = 0"))
    Wald test
      -t[1] / (2 * t^2[1]) = 0
    chi2(1) = 0.8341, p = 0.3611
    """
    values, jacobian, labels = differentiate(res, function, "function", equations=True)
    null_values = number_array(value, "value").ravel()
    if null_values.size not in (1, values.size) or not np.isfinite(null_values).all():
        raise SpecificationError(
            f"value: {value!r} for {values.size} functions.", code="bad_value", argument="value",
            way_out="Give one finite number, or one for each.",
        )
    difference = values - null_values
    if null_values.any():
        labels = [f"{x} = {v:g}" for x, v in zip(labels, np.broadcast_to(null_values, values.shape), strict=True)]
    w = quadratic_form(difference, covariance_of(res, jacobian, labels, "function"), labels, "function")
    return joint_test(res, w, labels, use_f=use_f, df=df)
