"""A fit beside a printout of Stata's traj or SAS Proc Traj: both columns, and sentences that explain what differs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...arguments import checked
from .differences import Differences, Held
from .families import same_but_zeros
from .known_faults import known_faults
from .matching import line_up, match_groups
from .model_sentences import APART, Sentence, model_sentences, n_censored
from .number_sentences import number_sentences
from .printout import Printout, read_printout
from .rescale import find_scale
from .side import Side, of_printout, of_results
from .side_by_side import render
from .words import number

if TYPE_CHECKING:
    from ...fit.fit import Fit

COLUMNS = (
    "group", "group_printout", "parameter", "estimate", "estimate_printout", "difference", "se", "se_printout",
    "se_ratio", "agrees",
)
LAST = ("labels", "reference", "bic")  # good to know, and no reason for a difference


@dataclass(frozen=True)
class Comparison:
    """A fit and a printout, held together.

    Attributes
    ----------
    agree : log-likelihood (to the printed digits), estimates (0.01 standard errors or rounding) and standard errors
        (0.1 % or rounding) all agree
    verdict : one sentence
    sentences : what explains the differences, most important first
    codes : a stable name for each sentence, such as "better_here", "time_scale", "se_traj"
    text : the whole comparison, what ``print()`` shows
    printout : the printout as read
    size, reference : number of parameters of the fit, and its reference group counted from 0
    """

    differences: Differences
    verdict: str
    findings: tuple[Sentence, ...]
    size: int
    reference: int

    @property
    def agree(self) -> bool:
        return self.differences.agree

    @property
    def same_optimum(self) -> bool:
        """Same log-likelihood and estimates, perhaps on another scale; errors may follow another convention."""
        return self.differences.same_optimum

    @property
    def sentences(self) -> list[str]:
        return [f.text for f in self.findings]

    @property
    def codes(self) -> list[str]:
        return [f.code for f in self.findings]

    @property
    def printout(self) -> Printout:
        return self.differences.printed

    @cached_property
    def groups(self) -> pd.Series:
        """Group in the printout, indexed by this fit's groups."""
        pairs = self.differences.pairs
        return pd.Series(pairs, name="group_printout", dtype="Int64").rename_axis("group").sort_index()

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per parameter.

        Columns: ``group`` and ``group_printout`` (missing for what all groups share), ``parameter``, ``estimate``,
        ``estimate_printout``, ``difference`` (ours minus theirs in standard errors), ``se``, ``se_printout``,
        ``se_ratio`` (theirs over ours), ``agrees``. Where the printout is on another scale, ``estimate`` and ``se`` are
        on its scale, and ``estimate_fit`` has the fit's own.
        """
        held = self.differences.held
        table = pd.DataFrame([_record(h) for h in held], columns=list(COLUMNS))
        for column in ("group", "group_printout"):
            table[column] = table[column].astype("Int64")
        if self.differences.rescaled is not None:
            table["estimate_fit"] = [h.fitted.estimate if h.fitted else np.nan for h in held]
        return table

    @cached_property
    def start(self) -> np.ndarray | None:
        """The printed estimates as start values of this model, in the order of ``params``; None if any is missing.

        ``model.fit(start=comparison.start)`` climbs from where the printout stands, where the model has the printout's
        units of time and outcome.
        """
        return _start(self.differences, self.size, self.reference)

    @cached_property
    def text(self) -> str:
        return render(self.differences, self.verdict, list(self.findings))

    @property
    def record(self) -> dict[str, Any]:
        """The comparison as plain values that JSON can hold, None for what is missing: what R is given."""
        table = {c: [_plain(v) for v in self.table[c].tolist()] for c in self.table}
        start = None if self.start is None else self.start.tolist()
        return {
            "agree": self.agree, "same_optimum": self.same_optimum, "verdict": self.verdict, "table": table,
            "sentences": self.sentences, "codes": self.codes, "text": self.text, "start": start,
            "groups": [self.differences.pairs.get(g) for g in self.differences.ours.groups],
        }

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Comparison with a printout: {self.verdict}>"

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{escape(s)}</li>" for s in self.sentences)
        return f"<p><b>{escape(self.verdict)}</b></p>{self.table.to_html(index=False, na_rep='')}<ol>{items}</ol>"


@checked
def compare_traj(res: Fit, text: str | Path, which: int = -1) -> Comparison:
    """Hold a fit against a printed traj table.

    Parameters
    ----------
    res : the fit
    text : a Stata log or SAS listing with a traj table, of any age; a ``Path`` is read
    which : the table wanted where the text has several: 0 is the first, -1 the last

    Returns
    -------
    Comparison
        ``print()`` it; ``.agree``, ``.sentences``, ``.table``.

    Raises
    ------
    DataError
        Where there is no table in the text.

    Examples
    --------
    >>> import gbtm
    >>> model = gbtm.GBTM([[1, 2, 3], [2, 3, 5], [1, 3, 4], [9, 7, 6], [8, 8, 5]], [0, 1, 2], groups=2, order=1)
    >>> res = model.fit()
    >>> compare_traj(res, res.to_traj().text).same_optimum
    True
    """
    printed = read_printout(text, which)
    ours, theirs = of_results(res), of_printout(printed)
    if not printed.models and not theirs.family:
        theirs = replace(theirs, family=ours.family)  # the line that names the model was cut off
    pairs = match_groups(ours, theirs, res.outcome.data.time)
    d = Differences(ours, theirs, printed, pairs, None, _hold(ours, ours, theirs, pairs))
    if printed.kind == "single" and d.same_data and not d.same_estimates:
        n_uncensored = ours.nobs - n_censored(res, res.outcome.bounds) if ours.nobs else 0
        rescaled = find_scale(ours, theirs, n_uncensored)
        if rescaled is not None:
            held = _hold(rescaled.scale.convert(ours), ours, theirs, rescaled.pairs)
            d = Differences(ours, theirs, printed, rescaled.pairs, rescaled, held)
    model = model_sentences(d, res)
    d = replace(d, apart=tuple(s.code for s in model if s.code in APART))
    told = (*model, *number_sentences(d, res), *known_faults(d, res))
    findings = tuple(sorted(told, key=lambda s: LAST.index(s.code) if s.code in LAST else -1))
    reference = res.group_set.reference
    return Comparison(d, _verdict(d, [f.code for f in findings]), findings, res.df_model, reference)


def _plain(value: Any) -> Any:
    return None if value is pd.NA or (isinstance(value, float) and not np.isfinite(value)) else value


def _hold(converted: Side, fitted: Side, theirs: Side, pairs: dict[int, int]) -> tuple[Held, ...]:
    comparable = same_but_zeros(fitted.family, theirs.family)
    lines, plain = line_up(converted, theirs, pairs), line_up(fitted, theirs, pairs)
    return tuple(Held(a, a.ours, b.ours, comparable) for a, b in zip(lines, plain, strict=True))


def _verdict(d: Differences, codes: list[str]) -> str:
    """The comparison in one sentence."""
    if d.agree:
        loose = any(h.unidentified and not h.rounded for h in d.held)
        return ("They agree: log-likelihood, estimates and standard errors are the same as far as they are printed"
                + (", but for what the data do not determine." if loose else "."))
    if not d.same_model:
        return "They are different models; what they have in common stands side by side."
    if not d.same_data:
        return "The model is the same, but the data are not."
    if d.rescaled is not None:
        return ("They are the same model at the same optimum, on different scales." if d.same_estimates else
                "The curves are the same on different scales; other parameters differ.")
    if d.same_optimum:
        how = "by a convention" if {"se_traj", "se_hessian"} & set(codes) else "see below"
        return f"Same model, same optimum: the estimates agree; the standard errors differ, {how}."
    if d.gain is None:
        return "The estimates differ, and the printout has no log-likelihood to judge by."
    if d.same_loglik:
        return "The log-likelihoods agree, the estimates do not."
    if "stopped_short" in codes:
        return "Same model, same optimum, but one of the two stopped short of it."
    better = "this fit's is better" if d.gain > 0 else "the printout's is better"
    if "collapsed_there" in codes:
        better = "the printout's is higher, by a collapsed group"
    return f"Same model, different optimum: {better}, by {number(abs(d.gain))} in log-likelihood."


def _record(h: Held) -> tuple[object, ...]:
    converted, printed = h.converted, h.printed
    agrees = converted is not None and printed is not None and h.same is not False and h.same_se is not False
    return (
        h.line.own_group, h.line.group, h.line.parameter, converted.estimate if converted else np.nan,
        printed.estimate if printed else np.nan, h.gap, converted.se if converted else np.nan,
        printed.se if printed else np.nan, h.se_ratio, agrees,
    )


def _start(d: Differences, size: int, reference: int) -> np.ndarray | None:
    """Printed estimates by our places; group sizes as logits against our reference group."""
    if not d.same_model or d.rescaled is not None:
        return None
    values = np.full(size, np.nan)
    printed = {(r.group, r.kind, r.parameter.lower()): r.estimate for r in d.theirs.rows}
    for row, at in zip(d.ours.rows, d.ours.place, strict=True):
        if at < 0:
            continue
        word, group = row.parameter.lower(), None if row.group is None else d.pairs[row.group]
        if row.kind == "theta":  # 0 in the printout's own reference group
            base = printed.get((d.pairs[reference + 1], "theta", word), 0.0)
            values[at] = printed.get((group, "theta", word), 0.0) - base
        else:
            values[at] = printed.get((group, row.kind, word), np.nan)
    left = np.flatnonzero(np.isnan(values))
    shares = d.theirs.shares
    if shares is not None and left.size == d.ours.n_groups - 1 and (shares > 0).all():
        logit = np.log([shares[d.pairs[g] - 1] for g in d.ours.groups])
        values[left] = np.delete(logit - logit[reference], reference)
    return None if np.isnan(values).any() else values
