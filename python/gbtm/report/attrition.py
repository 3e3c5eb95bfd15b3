"""Who was observed when, who left, and what was dropped: the attrition table of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..tables.table import Table, table_of

if TYPE_CHECKING:
    from ..api.results import GBTMResults

WAVES_MOST = 40  # with more distinct times than this, waves are each subject's first, second, .. observation
PATTERNS_MOST = 10
NEVER = "Never: not seen in this outcome, but in another."
OCCASIONS = (
    "An occasion is a subject's first, second, .. observation, because times differ too much between subjects for "
    "waves: one that was missed moves those after it up, so that Gone counts missed ones too, and is not dropout alone."
)
REASONS = (
    ("missing_outcome", "observations", "missing outcome"), ("missing_time", "observations", "missing time"),
    ("missing_id", "observations", "missing id"),
    ("missing_covariate", "observations", "missing time-varying covariate"),
    ("missing_exposure", "observations", "missing exposure"),
    ("incomplete_subjects", "subjects", "missing membership covariate, weight or cluster"),
    ("subjects", "subjects", "no observation left"),
)


@dataclass(frozen=True)
class Attrition:
    """What is known of attrition.

    Attributes
    ----------
    waves : by wave (or occasion, see ``common``): mean and standard deviation of time, subjects observed and their
        share of all, subjects not there yet, missed in between, and gone for good; mean and standard deviation of the
        outcome
    common : waves are times that subjects have in common; else each subject's first, second, .. observation
    patterns : the most frequent patterns of observed (X) and missing (.) waves, subjects and their share; empty without
        common waves
    per_subject : number of observations of a subject, subjects with so many, and their share
    dropped : what was left out: number, of what, why
    sentences : the same in words
    time_name : what time is called
    """

    waves: pd.DataFrame
    common: bool
    patterns: pd.DataFrame
    per_subject: pd.DataFrame
    dropped: pd.DataFrame
    sentences: tuple[str, ...]
    time_name: str = "time"

    @property
    def names(self) -> list[str]:
        """Names of ``tables``."""
        return ["waves", *(["dropped"] if len(self.dropped) else []), *(["patterns"] if len(self.patterns) > 1 else []),
                "per_subject"]

    @property
    def tables(self) -> list[Table]:
        """The tables as they are printed."""
        word = "wave" if self.common else "occasion"
        tables = [table_of(
            self.waves, caption=f"Observed subjects by {word}",
            notes=["Gone: not seen at this or any later " + word + ". SD of time: how far times differ within the "
                   + word + ".", *([NEVER] if "Never" in self.waves else []), *([] if self.common else [OCCASIONS])],
            kinds={f"Mean {self.time_name}": "plain", "SD of time": "plain"}, gap="one value only, or none.",
        )]
        if len(self.dropped):
            tables.append(table_of(self.dropped, index=False, caption="What was left out before the fit"))
        if len(self.patterns) > 1:
            tables.append(table_of(self.patterns, index=False, caption="Most frequent patterns of missing waves",
                                  notes=["X observed, . missing, first wave first."]))
        tables.append(table_of(self.per_subject, index=False, caption="Observations per subject"))
        return tables


def attrition(res: GBTMResults) -> Attrition:
    """The attrition table of a fit, from the observations it used.

    Parameters
    ----------
    res : a fit

    Returns
    -------
    Attrition

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.report.attrition import attrition
    >>> data = gbtm.datasets.two_groups(rng=0).iloc[:-3]
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=[1, 2]).fit(rng=0)
    >>> found = attrition(res)
    >>> found.waves["Observed"].tolist()[-4:]
    [100, 99, 99, 99]
    """
    data, n = res.outcome.data, res.n_subjects
    subject, time, y = data.subject, data.time, data.y
    wave = np.unique(data.wave, return_inverse=True)[1].ravel()
    common = int(wave.max()) + 1 <= WAVES_MOST
    if not common:
        wave = _occasions(subject, time)
    count = np.bincount(subject, minlength=n)
    waves = _by_wave(subject, wave, time, y, n, res)
    patterns = _patterns(subject, wave, n) if common else pd.DataFrame()
    sizes, having = np.unique(count, return_counts=True)
    per_subject = pd.DataFrame({"Observations": sizes, "Subjects": having, "share": having / n})
    sentences = tuple(_sentences(res, count, waves, common))
    return Attrition(waves, common, patterns, per_subject, _dropped(res), sentences, res.time_name)


def _occasions(subject: np.ndarray, time: np.ndarray) -> np.ndarray:
    """The place of each observation in its subject's series, from 0."""
    order = np.lexsort((time, subject))
    place = np.empty(subject.size, dtype=int)
    ordered = subject[order]
    first = np.r_[0, np.flatnonzero(np.diff(ordered)) + 1]
    length = np.diff(np.r_[first, ordered.size])
    place[order] = np.arange(ordered.size) - np.repeat(first, length)
    return place


def _by_wave(
    subject: np.ndarray, wave: np.ndarray, time: np.ndarray, y: np.ndarray, n: int, res: GBTMResults
) -> pd.DataFrame:
    n_waves = int(wave.max()) + 1
    first, last = np.full(n, n_waves), np.full(n, -1)
    np.minimum.at(first, subject, wave)
    np.maximum.at(last, subject, wave)
    at = np.arange(n_waves)
    here = np.bincount(wave, minlength=n_waves)
    seen = last >= 0  # of several outcomes one may lack people altogether
    not_yet = ((first > at[:, None]) & seen).sum(axis=1)
    gone = ((last < at[:, None]) & seen).sum(axis=1)
    never = int((~seen).sum())
    grouped = pd.DataFrame({"wave": wave, "time": time, "y": y}).groupby("wave")
    means, sds = grouped.mean(), grouped.std(ddof=1)
    return pd.DataFrame(
        {
            f"Mean {res.time_name}": means["time"], "SD of time": sds["time"], "Observed": here, "share": here / n,
            "Not yet": not_yet, "Missed": n - here - not_yet - gone - never, "Gone": gone,
            **({"Never": never} if never else {}),
            f"Mean {res.outcome_name}": means["y"], f"SD of {res.outcome_name}": sds["y"],
        },
    ).set_axis(pd.RangeIndex(1, n_waves + 1, name="Wave"), axis=0)


def _patterns(subject: np.ndarray, wave: np.ndarray, n: int) -> pd.DataFrame:
    seen = np.zeros((n, int(wave.max()) + 1), dtype=bool)
    seen[subject, wave] = True
    words = pd.Series(["".join("X" if s else "." for s in row) for row in seen])
    counts = words.value_counts()
    counts = counts.sort_index().sort_values(ascending=False, kind="stable").head(PATTERNS_MOST)
    return pd.DataFrame({"Pattern": counts.index, "Subjects": counts.to_numpy(), "share": counts.to_numpy() / n})


def _dropped(res: GBTMResults) -> pd.DataFrame:
    rows = []
    for key, of, why in REASONS:
        value = getattr(res.dropped, key)
        number = value if isinstance(value, (int, float)) else len(value)
        if number:
            rows.append({"Left out": int(number), "Of": of, "Why": why})
    return pd.DataFrame(rows, columns=["Left out", "Of", "Why"])


def _sentences(res: GBTMResults, count: np.ndarray, waves: pd.DataFrame, common: bool) -> list[str]:
    sentences = [
        f"{res.n_subjects} subjects with {res.nobs} observations of {res.outcome_name} were used: "
        f"{count.min()} to {count.max()} per subject, median {np.median(count):g}."
    ]
    if common:
        full = int((count == len(waves)).sum())
        gone = res.n_subjects - int(waves["Observed"].iloc[-1])
        sentences.append(
            f"There are {len(waves)} waves; {full} subjects were observed at all of them, and {gone} were not observed "
            "at the last one."
        )
    sentence = res.dropped.sentence()
    sentences.append(sentence if sentence else "Nothing was dropped before the fit.")
    if res.dropout is not None:
        at_risk, left = res.dropout.n_records, res.dropout.n_dropped
        sentences.append(f"Dropout is part of the model: {left} dropouts among {at_risk} records of subjects at risk.")
    return sentences
