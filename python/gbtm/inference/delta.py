"""The delta method: an estimate and its standard error for any function g of the parameters, Var g = J V J'.

An expression is differentiated exactly. A Python function is differentiated by SciPy's central differences of order 8,
which are accepted only where they settle.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.differentiate import jacobian

from ..arguments import checked
from ..checks import check_level
from ..compute.expressions import evaluate, read
from ..compute.reference_distribution import letter, p_label, quantile, two_sided
from ..constants import SHARED
from ..errors import SpecificationError
from .hypotheses import covariance_of, named

if TYPE_CHECKING:
    from ..fit.fit import Fit

# Of the standard error: what the derivative's own error may change in it
ACCURACY: float = SHARED["derivative_accuracy"]
ROUNDING = 1e-12  # share of a function's values below which its slope over a step is rounding
SHORTER = 4  # lengths of steps tried where a function is not finite


@checked
@dataclass(frozen=True)
class Delta:
    """A function of the parameters, estimated.

    Attributes
    ----------
    estimate : Series (r,), the function at the estimates
    cov : DataFrame (r, r), its covariance
    jacobian : DataFrame (r, p), its derivative
    df : degrees of freedom of t in intervals and tests, infinite for the normal distribution
    """

    estimate: pd.Series
    cov: pd.DataFrame
    jacobian: pd.DataFrame
    df: float = np.inf

    @property
    def bse(self) -> pd.Series:
        """Standard errors (r,)."""
        return named(np.sqrt(np.diag(self.cov)), list(self.estimate.index), "std err")

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Wald intervals (r, 2) of level 1 - alpha."""
        check_level(alpha, "alpha", 0.05)
        z = quantile(alpha / 2, self.df)
        return pd.DataFrame({0: self.estimate - z * self.bse, 1: self.estimate + z * self.bse})

    def summary_frame(self, alpha: float = 0.05) -> pd.DataFrame:
        """A row for each value: estimate, std err, z, P>|z| and the interval; t and P>|t| where ``df`` is finite."""
        z, ci = self.estimate / self.bse, self.conf_int(alpha)
        return pd.DataFrame(
            {
                "estimate": self.estimate, "std err": self.bse, letter(self.df): z,
                p_label(self.df): two_sided(z, self.df),
                "lower": ci[0], "upper": ci[1],
            }
        )

    def __str__(self) -> str:
        return f"Delta method\n{self.summary_frame().to_string(float_format=lambda v: f'{v:.4f}')}"

    __repr__ = __str__


@checked
def delta(res: Fit, function: Any) -> Delta:
    """A function of the parameters with its delta-method standard error.

    Parameters
    ----------
    function : an expression such as ``"exp(theta_X1[2])"`` or ``"-t[1] / (2 * t^2[1])"``, several of them separated by
        commas, in a list or in a mapping of labels to expressions; or a Python function of the parameters, a Series by
        name, that returns a number, an array, a Series or a mapping. Expressions know + - * / ^ ( ), exp, log, sqrt,
        logit and invlogit; ``^`` is a power, but ``t^2[1]`` is a parameter.

    Returns
    -------
    Delta with ``estimate`` (r,), ``bse`` (r,), ``cov`` (r, r), ``conf_int()``, ``summary_frame()``

    Raises
    ------
    SpecificationError
        ``unknown_parameter`` or ``bad_expression``; ``not_finite`` where the function or its derivative is not a number
        at the estimates; ``rough_function`` where it has no derivative that can be had; ``no_standard_error`` where
        the data do not determine it (a sum of two parameters that have none may have one); ``constant_function``
        where it does not vary with the parameters there.

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.inference.delta import delta
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2).fit(rng=0)
    >>> peak = delta(res, "-t[1] / (2 * t^2[1])")
    >>> peak.estimate.round(4).tolist(), peak.bse.round(4).tolist()
    ([-0.0007], [0.0007])
    >>> delta(res, lambda b: b["intercept[2]"] / b["t[2]"]).conf_int().round(3).to_numpy().tolist()
    [[1.988, 2.028]]
    """
    values, jacobian, labels = differentiate(res, function, "function")
    cov = covariance_of(res, jacobian, labels, "function")
    flat = ~(np.diag(cov) > 0)
    if flat.any():
        raise SpecificationError(
            f"function: {', '.join(x for x, f in zip(labels, flat, strict=True) if f)} does not vary with the "
            "parameters at the estimates.", code="constant_function", argument="function",
            way_out="The delta method needs a derivative that is not zero.",
        )
    index = pd.Index(labels)
    return Delta(
        named(values, labels, "estimate"), pd.DataFrame(cov, index=index, columns=index),
        pd.DataFrame(jacobian, index=index, columns=res.params.index), res.df_inference,
    )


def differentiate(
    res: Fit, function: Any, argument: str, *, equations: bool = False
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Values (r,), derivative (r, p) and labels of a function or of expressions at the estimates.

    With ``equations``, an equation stands for the difference of its sides.
    """
    if callable(function):
        values, jacobian, labels = _of_function(function, res, argument)
    else:
        values, jacobian, labels = _of_text(function, res, argument, equations)
    bad = ~(np.isfinite(values) & np.isfinite(jacobian).all(axis=1))
    if bad.any():
        raise SpecificationError(
            f"{argument}: {', '.join(x for x, b in zip(labels, bad, strict=True) if b)} is not a finite number at the "
            "estimates, or its derivative is not.", code="not_finite", argument=argument,
            way_out="Look for a logarithm or root of what is negative there, or a division by zero.",
        )
    return values, jacobian, labels


def _of_text(
    function: Any, res: Fit, argument: str, equations: bool
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    values, slopes, labels = [], [], []
    names, at = list(res.params.index), res.params.to_numpy()
    for label, text in _texts(function, argument):
        expressions = read(text, names, argument)
        for one in expressions:
            term = evaluate(one.left, at)
            if one.right is not None and not equations:
                raise SpecificationError(
                    f"{argument}: '{one.text}' is a hypothesis, not a quantity.", code="bad_expression",
                    argument=argument, way_out="Test it with wald_test() or wald_test_nonlinear().",
                )
            if one.right is not None:
                term = term - evaluate(one.right, at)
            values.append(term.value)
            slopes.append(term.slope)
            labels.append(one.text if label is None or len(expressions) > 1 else label)
    return np.array(values), np.array(slopes), labels


def _texts(function: Any, argument: str) -> list[tuple[str | None, str]]:
    """Labels and texts; no label where there is none but the text."""
    if isinstance(function, str):
        texts: list[tuple[str | None, Any]] = [(None, function)]
    elif isinstance(function, Mapping):
        texts = [(str(k), v) for k, v in function.items()]
    else:
        texts = [(None, t) for t in function] if isinstance(function, (list, tuple)) else [(None, None)]
    if not texts or not all(isinstance(t, str) for _, t in texts):
        raise SpecificationError(
            f"{argument}: {function!r} is neither text nor a function.", code="bad_expression", argument=argument,
            way_out='For example "exp(theta[2])", or lambda b: np.exp(b["theta[2]"]).',
        )
    return texts


# -- Python functions ------------------------------------------------------------------------------------------------


def _of_function(
    function: Callable[[pd.Series], Any], res: Fit, argument: str
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    index, at = res.params.index, res.params.to_numpy()
    first = function(res.params.copy())
    labels = _labels(first)

    def flat(b: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _flat(function(pd.Series(b, index=index)))

    values = _flat(first).astype(float)
    if not np.isfinite(values).all():
        return values, np.zeros((values.size, at.size)), labels
    se = np.sqrt(np.diag(res.cov_params()))
    spread = np.where(np.isfinite(se) & (se > 0), se, 0.0)
    slopes, error = _slopes(flat, at, values, spread)
    total = np.sqrt(((slopes * spread) ** 2).sum(axis=1, keepdims=True))
    rough = ~(error * spread <= ACCURACY * total) & (error > 0)
    if rough.any():
        raise SpecificationError(
            f"{argument}: the derivative of the function in {index[rough.any(axis=0)][0]} does not settle.",
            code="rough_function", argument=argument,
            way_out="It must be smooth near the estimates: no rounding, sorting or drawing of random numbers.",
        )
    return values, slopes, labels


def _flat(value: Any) -> np.ndarray:
    return np.atleast_1d(np.asarray(list(value.values()) if isinstance(value, Mapping) else value)).ravel()


def _labels(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [str(k) for k in value]
    if isinstance(value, pd.Series):
        return [str(k) for k in value.index]
    size = np.size(value)
    return ["value"] if size == 1 else [f"value {i + 1}" for i in range(size)]


def _slopes(
    f: Callable[[np.ndarray], np.ndarray], at: np.ndarray, values: np.ndarray, spread: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Derivative (r, p) of f, whose ``values`` (r,) are those at ``at``, and an estimate of its error (r, p).

    Steps are a tenth of a standard error and less: the natural scale of a parameter, whatever its units. Where f is not
    finite so far away they are shorter. NaN where it is not finite close by either.
    """
    step = np.maximum(0.1 * spread, 1e-4 * np.abs(at))
    step[step == 0] = 1e-4
    span = np.zeros((values.size, at.size))  # how far the values go as one parameter moves

    def each(x: np.ndarray) -> np.ndarray:
        """f takes one point at a time."""
        points = x.reshape(at.size, -1).T
        at_points = np.stack([f(point) for point in points])
        for point, value in zip(points, at_points, strict=True):
            j = point != at
            span[:, j] = np.fmax(span[:, j], np.abs(value - values)[:, None])
        return at_points.T.reshape(-1, *x.shape[1:])

    slopes, error = np.full_like(span, np.nan), np.full_like(span, np.nan)
    for _ in range(SHORTER):
        derivative = jacobian(each, at, initial_step=step)
        missing = ~np.isfinite(slopes)
        slopes, error = np.where(missing, derivative.df, slopes), np.where(missing, derivative.error, error)
        outside = ~np.isfinite(slopes).all(axis=0)
        if not outside.any():
            break
        step = np.where(outside, step / 64, step)
    # the weights of the differences add up to 0 but for rounding: what does not change has no slope, nor has a minimum
    rounding = np.where(span == 0, np.inf, ROUNDING * (span + np.abs(values)[:, None]))
    slopes, error = (np.where(np.abs(x) * step <= rounding, 0.0, x) for x in (slopes, error))
    return slopes, error
