"""Who was observed when, who left, and what was dropped: the attrition table of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..record.on_disk import not_kept
from ..record.wave_counts import WaveCounts, bits_of
from ..tables.table import Table, table_of

if TYPE_CHECKING:
    from ..api.results import GBTMResults

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
    per_subject : number of observations of a subject, or of times where several share one; subjects with so many, and
        their share
    dropped : what was left out: number, of what, why
    sentences : the same in words
    counts : what all of this is made of
    time_name : what time is called
    """

    waves: pd.DataFrame
    common: bool
    patterns: pd.DataFrame
    per_subject: pd.DataFrame
    dropped: pd.DataFrame
    sentences: tuple[str, ...]
    counts: WaveCounts
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
        tables.append(table_of(self.per_subject, index=False, caption=f"{self.per_subject.columns[0]} per subject"))
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
    counts = wave_counts(res)
    patterns = _patterns(counts, res.n_subjects) if counts.common else pd.DataFrame()
    sizes = np.flatnonzero(counts.sizes)
    having = counts.sizes[sizes].astype(int)
    counted = "Times seen" if res.outcome.n_shared else "Observations"
    per_subject = pd.DataFrame({counted: sizes, "Subjects": having, "share": having / res.n_subjects})
    waves = _by_wave(counts, res)
    sentences = tuple(_sentences(res, counts, waves))
    return Attrition(waves, counts.common, patterns, per_subject, _dropped(res), sentences, counts, res.time_name)


def wave_counts(res: GBTMResults) -> WaveCounts:
    """Counts of the outcome of a fit: of its observations, or those that a fit of people on disk keeps.

    Raises
    ------
    SpecificationError
        ``on_disk`` for a fit that was made before these were kept.
    """
    if res.on_disk is not None:
        if res.on_disk.counts is None:
            raise not_kept("attrition")
        return res.on_disk.counts
    data = res.outcome.data
    wave = np.unique(data.wave, return_inverse=True)[1].ravel()
    return WaveCounts.total([WaveCounts.of(
        data.subject, wave, data.time, data.y, n=res.n_subjects, waves=int(wave.max()) + 1, bounds=res.outcome.bounds,
    )])


def _by_wave(counts: WaveCounts, res: GBTMResults) -> pd.DataFrame:
    n, never = res.n_subjects, int(counts.sizes[0])  # of several outcomes one may lack people altogether
    here = counts.time.count.astype(int)
    not_yet = n - never - counts.first.cumsum().astype(int)
    gone = counts.last.cumsum().astype(int) - counts.last.astype(int)
    return pd.DataFrame(
        {
            f"Mean {res.time_name}": counts.time.mean, "SD of time": counts.time.sd, "Observed": here,
            "share": here / n,
            "Not yet": not_yet, "Missed": n - here - not_yet - gone - never, "Gone": gone,
            **({"Never": never} if never else {}),
            **({f"Mean {res.outcome_name}": counts.outcome.mean, f"SD of {res.outcome_name}": counts.outcome.sd}
               if res.outcome.spec.traits.has_mean else {}),
        },
        index=pd.RangeIndex(1, here.size + 1, name="Wave"),
    )


def _patterns(counts: WaveCounts, n: int) -> pd.DataFrame:
    words = ["".join("X" if b else "." for b in row) for row in bits_of(counts.patterns, counts.time.count.size)]
    having = counts.having.astype(int)
    return pd.DataFrame({"Pattern": words, "Subjects": having, "share": having / n})


def _dropped(res: GBTMResults) -> pd.DataFrame:
    rows = []
    for key, of, why in REASONS:
        value = getattr(res.dropped, key)
        number = value if isinstance(value, (int, float)) else len(value)
        if number:
            rows.append({"Left out": int(number), "Of": of, "Why": why})
    return pd.DataFrame(rows, columns=["Left out", "Of", "Why"])


def _sentences(res: GBTMResults, counts: WaveCounts, waves: pd.DataFrame) -> list[str]:
    there = np.flatnonzero(counts.sizes)
    below = counts.sizes.cumsum()
    middle = [int(np.searchsorted(below, half, side="right")) for half in ((below[-1] - 1) // 2, below[-1] // 2)]
    sentences = [
        f"{res.n_subjects} subjects with {res.nobs} observations of {res.outcome_name} were used: "
        f"{there[0]} to {there[-1]} {'times ' if res.outcome.n_shared else ''}per subject, median {np.mean(middle):g}."
    ]
    if res.outcome.spec.repeated:
        sentences.append(res.outcome.shared_sentence)
    if counts.common:
        full = int(counts.sizes[len(waves)]) if counts.sizes.size > len(waves) else 0
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
    if res.event is not None:
        sentences.append(f"A time to an event is part of the model. {res.event.sentence}")
    return sentences
