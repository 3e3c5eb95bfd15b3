"""A comparison as text: verdict, both columns, footer, explanations. At most 100 characters wide."""

from __future__ import annotations

import textwrap

import numpy as np

from .differences import Differences, Held
from .model_sentences import Sentence
from .words import PROGRAMS, number

WIDTH = 100
ROW = "{here:>5} {group:>8}  {name:<13}{a:>12} {b:>12}{gap:>9} {c:>12} {d:>12} {ratio:>8}"


def render(d: Differences, verdict: str, sentences: list[Sentence]) -> str:
    """The text that ``print(comparison)`` shows."""
    program = PROGRAMS[d.printed.source]
    build = f", build {' '.join(d.printed.build.split())}" if d.printed.build else ""
    head = f"This fit beside a printout of {program}{build}"
    lines = [head, "=" * len(head), *textwrap.wrap(verdict, WIDTH), "", *_table(d), "", *_footer(d)]
    if sentences:
        lines += ["", "What explains it"]
        for i, s in enumerate(sentences, 1):
            lines += textwrap.wrap(
                s.text, WIDTH, initial_indent=f"{i:>2}. ", subsequent_indent="    ", break_on_hyphens=False
            )
    return "\n".join(lines) + "\n"


def _table(d: Differences) -> list[str]:
    here = "here *" if d.rescaled is not None else "here"
    top = ROW.format(here="Group", group="Group in", name="Parameter", a="Estimate", b="Estimate", gap="Differ.",
                     c="Std. error", d="Std. error", ratio="Ratio of")
    under = ROW.format(here="here", group="printout", name="", a=here, b="printout", gap="in SE", c=here, d="printout",
                       ratio="errors")
    lines = [top.rstrip(), under.rstrip(), "-" * len(top)]
    before: tuple[object, ...] = ()
    for h in d.held:
        section = _section(h)
        if before and section != before[:2]:
            lines.append("")
        place = (*section, h.line.own_group, h.line.group)
        lines.append(_line(h, new=place != before))
        before = place
    return [*lines, "-" * len(top), *textwrap.wrap(_notes(d), WIDTH)]


def _section(h: Held) -> tuple[str, int | None]:
    """Rows of one section stand together, as traj prints them."""
    kind = {"covariate": "mean", "drop_covariate": "drop"}.get(h.line.kind, h.line.kind)
    if kind in ("sigma", "phi", "rho"):
        return "scale", None
    return kind, None if kind == "share" else h.line.group or h.line.own_group


def _notes(d: Differences) -> str:
    notes = ["= the printed digits are ours, rounded"]
    if any(_gap_of(h) == "~0" for h in d.held):
        notes.append("~0 less than 0.0005")
    if any(h.unidentified and not h.rounded for h in d.held):
        notes.append("n.d. not determined by the data")
    if d.rescaled is not None:
        notes.append("* brought to the printout's scale, see below")
    return "; ".join(notes) + "."


def _line(h: Held, new: bool) -> str:
    converted, printed = h.converted, h.printed
    name = "share (%)" if h.line.kind == "share" else h.line.parameter
    gap = _gap_of(h)
    ratio = "=" if h.se_rounded else ("" if np.isnan(h.se_ratio) else _ratio(h.se_ratio))
    if converted is not None and printed is not None and h.line.kind == "share" and converted.se == 0:
        ratio = ""
    return ROW.format(
        here=h.line.own_group or "" if new else "", group=h.line.group or "" if new else "", name=name[:12],
        a=_cell(converted.estimate if converted else None), b=_cell(printed.estimate if printed else None), gap=gap,
        c=_cell(converted.se if converted else None), d=_cell(printed.se if printed else None), ratio=ratio,
    ).rstrip()


def _gap_of(h: Held) -> str:
    if h.rounded or np.isnan(h.gap):
        return "=" if h.rounded else ""
    if h.unidentified:
        return "n.d."
    text = f"{h.gap:+.3f}" if abs(h.gap) < 1000 else f"{h.gap:+.1e}"
    return "~0" if text.strip("+-") == "0.000" else text


def _ratio(value: float) -> str:
    return f"{value:.4f}" if value < 1000 else f"{value:.1e}"


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    return "none" if not np.isfinite(value) else number(value, 5)


def _footer(d: Differences) -> list[str]:
    rows: list[tuple[str, float | int | None, float | int | None, int]] = [
        ("Log-likelihood", d.ours.loglik, d.theirs.loglik, 2),
        ("Parameters", d.ours.n_parameters, d.theirs.n_parameters, 0),
        ("Subjects", d.ours.n_subjects, d.theirs.n_subjects, 0),
        ("Observations", d.ours.nobs, d.theirs.nobs, 0),
    ]
    our_bic, printed_bic = ({n: v for n, v in s.bic if n is not None} for s in (d.ours, d.theirs))
    for n in dict.fromkeys([*our_bic, *printed_bic]):
        rows.append((f"BIC, n = {n} (traj's scale)", our_bic.get(n), printed_bic.get(n), 2))
    rows += [("BIC, n not printed", None, value, 2) for n, value in d.theirs.bic if n is None]
    rows.append(("AIC (traj's scale)", d.ours.aic, d.theirs.aic, 2))
    rows.append(("Entropy (traj's way)", d.ours.entropy, d.theirs.entropy, 3))
    lines = [f"{'':<32}{'here':>14}{'printout':>14}"]
    for name, a, b, decimals in rows:
        if a is None and b is None:
            continue
        cells = ["" if v is None else f"{v:.{decimals}f}" for v in (a, b)]
        lines.append(f"{name:<32}{cells[0]:>14}{cells[1]:>14}".rstrip())
    if d.theirs.worked_out:
        lines.append(f"(The printout's log-likelihood is worked out from its {d.theirs.worked_out}.)")
    return lines
