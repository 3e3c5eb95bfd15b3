"""Printed tables in the look of statsmodels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..compute.reference_distribution import letter, p_label
from ..families import family_named
from ..record.observed_ranges import narrow_words
from .hidden_units import unit_sentences
from .known_words import known_sentence
from .outcome_view import prefix_of

if TYPE_CHECKING:
    from ..record.outcome_record import OutcomeRecord
    from .dual_fit import DualFit
    from .fit import Fit


# The adequacy table has another interval of the same share.
SHARE_INTERVALS = (
    "Intervals of shares are symmetric about them, within their range; those of adequacy are made on the logit scale."
)
SMALL = 1e-3  # below it four decimals show one digit at most


def summary(res: Fit, adequacy: pd.DataFrame) -> Any:
    """A statsmodels ``Summary``: the fit, the coefficients by group, the groups, the search, the warnings.

    ``adequacy`` is the table of :func:`gbtm.adequacy.groups.adequacy`.
    """
    from statsmodels.iolib.summary import Summary

    out = Summary()
    out.tables.append(_head(res, str(res.n_groups)))
    sections = _sections(res, [res.group_shares["share"]] * len(res.outcomes))
    out.tables += _coefficient_tables(res, sections)
    out.tables.append(_groups(res, adequacy))
    out.add_extra_txt(_notes(res))
    return out


def dual_summary(res: DualFit, adequacy: Mapping[str, pd.DataFrame], transitions: pd.DataFrame) -> Any:
    """The same of a dual model, with the groups of each outcome and the second's given the first's.

    ``adequacy`` is by outcome, ``transitions`` the table of :func:`gbtm.inference.transitions.transitions`.
    """
    from statsmodels.iolib.summary import Summary

    out = Summary()
    alone = [res.of_outcome(name) for name in res.outcome_names]
    out.tables.append(_head(res, " x ".join(map(str, res.set_sizes))))
    out.tables += _coefficient_tables(res, _sections(res, [one.group_shares["share"] for one in alone]))
    out.tables += [_groups(one, adequacy[one.outcome_name], f"Groups of {one.outcome_name}") for one in alone]
    out.tables.append(_transitions(res, transitions))
    entropies = ", ".join(f"{_number(e, 3)} of {name}" for name, e in res.entropies.items())
    out.add_extra_txt([f"Entropy: {entropies}.", *_notes(res)])
    return out


def _coefficient_tables(res: Fit, sections: list[tuple[str, list[str]]]) -> list[Any]:
    width = max(len(s) for title, rows in sections for s in [title, *_stubs(res, rows)])
    return [_coefficients(res, title, rows, width) for title, rows in sections]


def _transitions(res: DualFit, table: pd.DataFrame) -> Any:
    from statsmodels.iolib.table import SimpleTable
    from statsmodels.iolib.tableformatting import fmt_params

    first, second = res.outcome_names
    columns = ["estimate", "std err", "lower", "upper"]
    rows = [[_number(100 * x, 2) for x in row] for row in table[columns].to_numpy()]
    stubs = [f"{k} | {j}".ljust(14) for j, k in table.index]
    title = f"Groups of {second} given those of {first}"
    return SimpleTable(rows, ["%", "std err", "[0.025", "0.975]"], stubs, txt_fmt=fmt_params, title=title)


def family_title(res: Fit) -> str:
    """The family in words, with its bounds: ``Censored normal (min 0)``; of several outcomes each with its name."""
    if len(res.outcomes) == 1:
        return _title(res.outcome)
    return ", ".join(f"{o.name} {_title(o)[0].lower()}{_title(o)[1:]}" for o in res.outcomes)


def _title(outcome: OutcomeRecord) -> str:
    bounds = [f"{w} {b:g}" for w, b in zip(("min", "max"), outcome.bounds, strict=True) if np.isfinite(b)]
    return family_named(outcome.family).title + (f" ({', '.join(bounds)})" if bounds else "")


def _coefficient(value: float) -> str:
    """Four decimals, or four digits where those would be zeros: of time in days, a square has a coefficient of 1e-6."""
    return f"{value:.4g}" if 0 < abs(value) < SMALL else _number(value)


def _number(value: float, decimals: int = 4) -> str:
    return "NA" if value is None or not np.isfinite(value) else f"{value:.{decimals}f}"


def _head(res: Fit, groups: str) -> Any:
    of_outcomes = [
        ("Dep. variable:", res.outcome_name), ("Time:", res.time_name), ("Family:", family_title(res))
    ] if len(res.outcomes) == 1 else [
        (head, ", ".join(str(getattr(o, name)) for o in res.outcomes))
        for head, name in (("Dep. variables:", "name"), ("Times:", "time_name"), ("Families:", "family"))
    ]
    left = [
        *of_outcomes,
        ("Groups:", groups), ("Subjects:", str(res.n_subjects)), ("Observations:", str(res.nobs)),
        ("Parameters:", str(res.df_model)),
    ]
    whole = [] if res.part_of else [
        ("Log-likelihood:", _number(res.llf)), ("AIC:", _number(res.aic)),
        ("BIC (n = subjects):", _number(float(res.criteria["subjects"]["bic"]))),
        ("BIC (n = obs.):", _number(float(res.criteria["observations"]["bic"]))),
    ]
    right = [
        *([("Part of a fit of:", ", ".join(res.part_of))] if res.part_of else []), *whole,
        ("Entropy:", _number(res.entropy, 3)),
        *([] if res.prior is None else [("Estimates:", "MAP, weak prior")]),
        ("Covariance:", _covariance(res)), ("Converged:", "yes" if res.converged else "NO"),
    ]
    left += [("", "")] * (len(right) - len(left))
    right += [("", "")] * (len(left) - len(right))
    head = _half(left, "Group-based trajectory model")
    head.extend_right(_half(right, None))
    return head


def _covariance(res: Fit) -> str:
    """Its kind, and the t that tests and intervals go by where it is not the normal distribution."""
    return f"{res.cov_type}, t({res.df_inference:g})" if np.isfinite(res.df_inference) else res.cov_type


def _half(rows: list[tuple[str, str]], title: str | None) -> Any:
    from statsmodels.iolib.table import SimpleTable
    from statsmodels.iolib.tableformatting import fmt_2cols

    return SimpleTable([[value] for _, value in rows], None, [name for name, _ in rows], title=title, txt_fmt=fmt_2cols)


def _sections(res: Fit, shares_of: Sequence[pd.Series]) -> list[tuple[str, list[str]]]:
    """Rows by heading: each group's curve and zero part, then what is common; ``shares_of`` each outcome's groups."""
    of_groups: dict[tuple[int, int | None], list[str]] = {}
    theta: dict[int, list[str]] = {}
    for b in res.blocks:
        own = theta.setdefault(b.group_set, []) if b.outcome is None else of_groups.setdefault((b.outcome, b.group), [])
        own.extend(res.names[b.entries])
    several = len(res.outcomes) > 1
    sections = []
    for m, outcome in enumerate(res.outcomes):
        head = f"{outcome.name} over {outcome.time_name}, {_title(outcome).lower()}: " if several else ""
        shares = shares_of[m]
        for g in (*shares.index, None):
            if (m, g) in of_groups:
                which = "all groups" if g is None else f"group {g} ({100 * shares[g]:.1f} %)"
                sections.append((head + (which if several else which.capitalize()), of_groups[m, g]))
    for s, rows in theta.items():
        whose = f" of {res.outcomes[s].name}" if len(res.group_sets) > 1 else ""
        reference = res.group_sets[s].reference + 1
        sections.append((f"Membership logits{whose} (reference: group {reference})", rows))
    return sections


def _stubs(res: Fit, names: list[str]) -> list[str]:
    """The parameters' names without their outcome and group, which the heading says, but for those of membership."""
    theta = {n for b in res.blocks if b.outcome is None for n in res.names[b.entries]}
    bare = {
        n: n.removeprefix(prefix_of(res.outcome_names[b.outcome])) if len(res.outcomes) > 1 else n
        for b in res.blocks if b.outcome is not None for n in res.names[b.entries]
    }
    return [n if n in theta else re.sub(r"\[\d+\]$", "", bare[n]) for n in names]


def _coefficients(res: Fit, title: str, names: list[str], width: int) -> Any:
    from statsmodels.iolib.table import SimpleTable
    from statsmodels.iolib.tableformatting import fmt_params

    ci = res.conf_int()
    columns = [res.params, res.bse, res.tvalues, res.pvalues, ci[0], ci[1]]
    still = {} if res.constraints is None else res.constraints.without_error
    rows = [
        [_coefficient(res.params[n]), still[n], *[""] * (len(columns) - 2)] if n in still else
        [_number(c[n], 3) if j in (2, 3) else _coefficient(c[n]) for j, c in enumerate(columns)] for n in names
    ]
    header = ["coef", "std err", letter(res.df_inference), p_label(res.df_inference), "[0.025", "0.975]"]
    return SimpleTable(rows, header, [n.ljust(width) for n in _stubs(res, names)], txt_fmt=fmt_params, title=title)


def _groups(res: Fit, adequacy: pd.DataFrame, title: str = "Groups") -> Any:
    from statsmodels.iolib.table import SimpleTable
    from statsmodels.iolib.tableformatting import fmt_params

    shares = res.group_shares
    rows = [
        [_number(100 * shares[column][g], 2) for column in ("share", "std err", "lower", "upper")]
        + [str(adequacy["n_assigned"][g]), _number(adequacy["avepp"][g], 3)]
        for g in res.group_names
    ]
    header = ["share %", "std err", "[0.025", "0.975]", "assigned", "AvePP"]
    stubs = [f"group {g}".ljust(14) for g in res.group_names]
    return SimpleTable(rows, header, stubs, txt_fmt=fmt_params, title=title)


def _notes(res: Fit) -> list[str]:
    lines = [f"Starts: {res.start_report.attrs['sentence']}"]
    if any(g.n_groups > 1 for g in res.group_sets):
        lines.append(SHARE_INTERVALS)
    if res.constraints is not None:
        lines.append(res.constraints.sentence)
    if known_sentence(res):
        lines.append(known_sentence(res))
    of_outcomes = [s for o in res.outcomes for s in (o.shared_sentence, o.squeezed_sentence)]
    lines += [s for s in (res.dropped.sentence(), *of_outcomes) if s]
    if res.prior is not None:
        lines.append(res.prior.sentence)
    lines += [f"Warning: {w}" for w in res.warnings]
    lines += unit_sentences(res)
    for outcome in res.outcomes:
        at = "" if outcome.profile is None else outcome.profile.words(outcome.covariate_names)
        if at:
            whose = f"Curves of {outcome.name}" if len(res.outcomes) > 1 else "Curves"
            lines.append(f"{whose} are drawn at {at}.")
    for one in [res.of_outcome(o.name) for o in res.outcomes] if len(res.outcomes) > 1 else [res]:
        seen = narrow_words(one.observed_ranges, one.time_name)
        lines += [f"{one.outcome_name}: {seen}" if len(res.outcomes) > 1 else seen] if seen else []
    if res.dropout is not None and (len(res.outcomes) > 1 or res.part_of):
        driver = next((o.name for o in res.outcomes if o.dropout is not None), "")
        lines.append(f"Dropout goes by the waves and the last values of {driver}, the first of the outcomes.")
    if res.event is not None:
        lines.append(res.event.sentence)
    lines.append("AvePP: mean posterior probability of those assigned to the group.")
    return lines

