"""SAS's %TRAJTEST: a Wald test written in Proc Traj's names, with the macro's numbers.

The macro hands its argument to the TEST statement of a regression whose cross-products are Proc Traj's information
matrix: equations separated by commas, each a chain of linear expressions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from ..arguments import checked
from ..errors import SpecificationError
from ..fit.dual_fit import DualFit
from ..inference.hypotheses import checked_covariance, independent, linear_hypotheses, quadratic_form, scales_of
from ..inference.wald import WaldTest
from .dual_traj_table import DualTrajTable
from .traj_table import TrajTable

if TYPE_CHECKING:
    from ..fit.fit import Fit


@checked
def trajtest(res: Fit, text: str, *, group_order: Sequence[Any] | None = None) -> WaldTest:
    """SAS's %TRAJTEST: a joint Wald test in the parameter names of Proc Traj.

    Parameters
    ----------
    text : the macro's argument, ``"linear1=linear2, quadra1=quadra2"``, or the whole call,
        ``"%TRAJTEST('linear1=linear2=linear3')"``. Names are those of ``res.to_traj().b``, in any case; SAS's
        ``interc01`` is ``interc1``. Chains of equalities and multiples (``2*linear1=linear2``) are understood.
    group_order : as in ``res.to_traj()``: which group of this fit is group 1, 2, .. of the text; of a dual model two
        lists

    Returns
    -------
    WaldTest with the macro's numbers: the covariance is traj's; the p-value is that of F with the denominator degrees
    of freedom N_obs - k + 1 of that covariance, and the statistic is the chi-square with the same p-value. The plain
    Wald statistic, a little larger, is in the notes

    Raises
    ------
    SpecificationError
        As :func:`wald_test`.

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.traj_programs.trajtest import trajtest
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2).fit(rng=0)
    >>> round(trajtest(res, "%TRAJTEST('linear1=0, quadra1=1.5')").pvalue, 4)
    0.4332
    """
    order = None if group_order is None else list(group_order)
    table = DualTrajTable(res, order) if isinstance(res, DualFit) else TrajTable(res, order)
    inner, names = _as_in_sas(_macro_argument(text), [str(n) for n in table.b.index])
    h = linear_hypotheses(inner, names)
    v, inside = table.V.to_numpy(), table.internal
    checked_covariance(v, names, h.matrix, h.labels, "text", inside)
    h = independent(h, scales_of(v, inside))
    cov = checked_covariance(v, names, h.matrix, h.labels, "text", inside)
    w = quadratic_form(h.matrix @ table.b.to_numpy() - h.value, cov, h.labels, "text")
    df, residual = len(h.labels), float(res.nobs - res.df_model + 1)
    p = float(stats.f.sf(w / df, df, residual))
    same = float(stats.chi2.isf(p, df))
    note = f"p is that of F({df}, {residual:g}), chi2 the value with the same p, as the macro has them; W = {w:.4f}."
    statistic = same if np.isfinite(same) else w
    return WaldTest(statistic, df, p, "chi2", residual, h.labels, (*h.notes, note))


def _macro_argument(text: Any) -> str:
    """What is between the quotes of a call, or the text itself."""
    if not isinstance(text, str):
        raise SpecificationError(
            f"text: {text!r} is not text.", code="bad_expression", argument="text",
            way_out="For example 'linear1=linear2, quadra1=quadra2'.",
        )
    call = re.fullmatch(r"\s*%\s*trajtest\s*\((.*)\)\s*;?\s*", text, flags=re.IGNORECASE | re.DOTALL)
    inner = (call[1] if call else text).strip()
    if len(inner) > 1 and inner[0] == inner[-1] and inner[0] in "'\"":
        inner = inner[1:-1]
    return inner


def _as_in_sas(text: str, names: list[str]) -> tuple[str, list[str]]:
    """Text and names alike in lower case and without the zeros of interc01, as far as names stay distinct."""
    for change in (lambda s: re.sub(r"(?<=[a-z])0+(?=\d)", "", s.lower()), str.lower):
        changed = [change(n) for n in names]
        if len(set(changed)) == len(set(names)):
            return change(text), changed
    return text, names
