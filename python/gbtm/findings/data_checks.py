"""What the data themselves say against a model, whatever its estimates: a ceiling, too few waves or observations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.event_times import STATUS, TIME
from ..data.measures import Measures
from ..data.missing_codes import listed, missing_codes, without
from ..data.panel import Panel
from ..families import those_having
from ..model.layout import Layout
from ..specification.outcome_spec import OutcomeSpec

PILED_UP = 0.10  # share of the observations at the largest or smallest value that is a ceiling or a floor
FIRST = 10_000  # values that tell mostly whether there are few distinct ones
FEW_DISTINCT = 12  # a scale of so few values has its ends often by right
PILED_UP_FEW = 0.25
WAVES_LEAST = 3  # observations below which a subject says next to nothing of a curve
FEW_WAVES = 0.5  # share of the subjects below that
OF_MODEL = ("dropout_orders",)  # findings that are none of the data


@dataclass(frozen=True)
class Finding:
    """One warning.

    ``group`` counts from 1; None when it concerns the whole fit. ``parameters`` are those left without a standard
    error that it accounts for.
    """

    code: str
    group: int | None
    message: str
    parameters: tuple[str, ...] = ()


def examine_data(layout: Layout, panel: Panel) -> list[Finding]:
    """All warnings that need no estimates."""
    findings = [Finding(code, None, sentence) for code, sentence in panel.doubts] + _saturated(layout, panel)
    findings += _no_status_of_none(panel)
    for outcome, measures in zip(layout.spec.outcomes, panel.outcomes, strict=True):
        codes = missing_codes(measures.y)
        findings += _missing_codes(measures, codes)
        findings += _piled_up(outcome, measures.name, without(measures.y, codes))
        findings += _few_waves(measures, panel.n_subjects)
    return findings + _dropout_orders(layout) + _no_common_end(panel)


def _saturated(layout: Layout, panel: Panel) -> list[Finding]:
    if layout.n_free < panel.nobs:
        return []
    return [
        Finding(
            "more_parameters_than_data", None,
            f"The model has {layout.n_free} parameters for {panel.nobs} observations. Fit fewer groups or "
            "lower orders.",
        )
    ]


def _missing_codes(measures: Measures, codes: dict[float, int]) -> list[Finding]:
    if not codes:
        return []
    others = without(measures.y, codes)
    one = len(codes) == 1
    return [
        Finding(
            "missing_code", None,
            f"{measures.name}: {listed(codes)} {'stands' if one else 'stand'} apart from all other values, "
            f"{others.min():g} to {others.max():g}, and {'looks like a code' if one else 'look like codes'} for a "
            f"missing value. Make {'it' if one else 'them'} missing and fit again: these estimates take "
            f"{'it' if one else 'them'} for measured.",
        )
    ]


def _piled_up(outcome: OutcomeSpec, name: str, y: np.ndarray) -> list[Finding]:
    """Values at an end of the scale that the family does not know to be an end."""
    family = outcome.traits
    if not family.has_scale:
        return []
    values = np.unique(y[:FIRST])
    if values.size <= FEW_DISTINCT:  # whether they are few is all that is asked of them
        values = np.unique(y)
    if values.size == 2 and not family.has_bounds:
        return [_two_values(name, values)]
    least = PILED_UP if values.size > FEW_DISTINCT else PILED_UP_FEW
    ends = (("ceiling", y.max(), outcome.upper, "largest", "max"), ("floor", y.min(), outcome.lower, "smallest", "min"))
    findings = []
    for code, end, bound, which, argument in ends:
        share = float((y == end).mean())
        if bound is None and share >= least and y.min() < y.max():
            findings.append(
                Finding(
                    code, None,
                    f"{name}: {100 * share:.0f} % of the values are the {which}, {end:g}, as with a {code} of "
                    "the scale, which bends curves and correlates errors. Use "
                    f"{f'family {family.with_bounds} with ' if family.with_bounds else ''}{argument} = {end:g}.",
                )
            )
    return findings


def _two_values(name: str, values: np.ndarray) -> Finding:
    low, high = values
    code = "" if (low, high) == (0, 1) else "Code them 0 and 1. "
    return Finding(
        "two_values", None,
        f"{name} has two values only, {low:g} and {high:g}, and no normal distribution. {code}Use family "
        f"{those_having('is_binary', 'or')}.",
    )


def _few_waves(measures: Measures, n_subjects: int) -> list[Finding]:
    count = np.bincount(measures.subject, minlength=n_subjects)
    share = float((count < WAVES_LEAST).mean())
    if share <= FEW_WAVES:
        return []
    return [
        Finding(
            "few_waves", None,
            f"{100 * share:.0f} % of the subjects have fewer than {WAVES_LEAST} observations of {measures.name}: what "
            "tells the groups apart is then the shape of the distribution more than the course over time. Add waves, "
            "or trust neither the number of groups nor who belongs where.",
        )
    ]


def _no_common_end(panel: Panel) -> list[Finding]:
    """Dropout where nobody could have been seen at all waves: most were never due at the last one."""
    history = panel.history
    if history is None or not history.by_time or history.levels is None:
        return []
    first = np.full(history.n_subjects, history.n_waves)
    last = np.full(history.n_subjects, -1)
    np.minimum.at(first, history.subject, history.wave)
    np.maximum.at(last, history.subject, history.wave)
    longest = int((last - first + 1).max(initial=0))
    if longest >= history.n_waves:
        return []
    return [
        Finding(
            "no_common_end", None,
            f"Nobody is in the table from the first of the {history.n_waves} distinct times to the last; the longest "
            f"stay is over {longest} of them. Dropout takes whoever is not seen at the last of all for a drop-out, and "
            "so those who were not due then. Give wave, the column that counts the waves, if people began at other "
            "times.",
        )
    ]


def _no_status_of_none(panel: Panel) -> list[Finding]:
    """Events of several causes of which everybody has one, as where 1 and 2 are no event and an event."""
    event = panel.subjects.event
    if event is None:
        return []
    status = event[~np.isnan(event[:, TIME]), STATUS]
    n_events = np.bincount(status.astype(int), minlength=2)
    if n_events[0] or n_events.size < 3:
        return []
    counts = ", ".join(f"{n} of cause {cause}" for cause, n in enumerate(n_events) if cause)
    return [
        Finding(
            "no_status_of_none", None,
            f"Nobody has the status 0, no event up to that time: all {status.size} people had one, {counts}. Where 1 "
            "stands for none, as in files that code it 1 and 2, take 1 from the status and fit again.",
        )
    ]


def _dropout_orders(layout: Layout) -> list[Finding]:
    orders = layout.spec.dropout
    if orders is None or len(set(orders)) == 1:
        return []
    return [
        Finding(
            "dropout_orders", None,
            f"The dropout orders {', '.join(map(str, orders))} differ: a wave whose lag is unknown counts for the "
            "groups of lower order only, which favours the others. Compare such fits with none of other orders; one "
            "order for all groups has no such fault.",
        )
    ]
