"""What a printed traj table says: Stata's traj (any build), SAS Proc Traj, or this package's own copy of the layout.

The table is found anywhere in a log. Only what is printed is read; nothing is guessed. A row is kept with the number
of decimals it was printed with, because rounding is no difference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ...errors import DataError
from .families import FAMILY_CALLED, FAMILY_WITH, by_zeros
from .log_text import last_command, options_of, plain_lines
from .rows import POWERS, Row, continues, kind_of

START = re.compile(r"Maximum Likelihood Estimates", re.IGNORECASE)
HEADING = re.compile(r"^\s*Group\s+Parameter\s+Estimate\b", re.IGNORECASE)
MODEL = re.compile(r"^\s*Model(?:\s+\d+)?\s*:\s*(\S.*?)\s*$", re.IGNORECASE)
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
VALUE = re.compile(rf"^(?:<?{NUMBER}|\(\s*{NUMBER}\)|\.)$")
LABEL = re.compile(r"^\d+(?:\|\d+)?$")
WORD = re.compile(r"^(?:\(%\)|[A-Za-z_]\S*|\S*[A-Za-z_]\S*)$")
FOOTER = re.compile(r"^\s*BIC\s*[(=:]", re.IGNORECASE)
FOOTER_LINES = 6  # a wrapped line of criteria and the entropy below it
BIC = re.compile(
    rf"BIC\s*(?:\(\s*N\s*=\s*(?P<before>[\d,]+)\s*\)\s*)?[:=]\s*(?P<value>{NUMBER}|\.)"
    rf"(?:\s*\(\s*N\s*=\s*(?P<after>[\d,]+)\s*\))?", re.IGNORECASE
)
AIC = re.compile(rf"AIC\s*[:=]\s*({NUMBER})", re.IGNORECASE)
LOGLIK = re.compile(rf"(?<![A-Za-z])(?:ll|L|log[- ]?likelihood)\s*[:=]\s*({NUMBER})", re.IGNORECASE)
ENTROPY = re.compile(rf"Entropy\s*[:=]\s*({NUMBER})", re.IGNORECASE)
WARNING = re.compile(r"\bWARNING\b|\b(?:singular|false|no) convergence", re.IGNORECASE)
BUILD = re.compile(r"build:?\s*(\w{3}\s+\d+\s+\d{4})")

MOST_GROUPS, DIGITS_MOST = 1000, 9  # of a line that can be of a table


@dataclass(frozen=True)
class Printout:
    """A printed table, read.

    Attributes
    ----------
    source : "stata", "sas" or "gbtm" (this package's copy of Stata's layout)
    model : the model's name as printed; all of them, one per outcome, in ``models``
    rows : every printed estimate but those of the group sizes, in order
    membership : the group sizes in percent, or theta with ``Baseline`` for the reference group
    bic : pairs (n, value); n is None where it is not printed
    aic, loglik, entropy : None where not printed
    subjects_read, subjects_used : "observations" in traj's words; None where not printed
    warnings : lines such as "Singular convergence"
    command : the command echoed above the table, or None
    build : the date of the program that printed it, or None
    """

    source: str
    models: tuple[str, ...]
    rows: tuple[Row, ...]
    membership: tuple[Row, ...]
    bic: tuple[tuple[int | None, float], ...] = ()
    aic: float | None = None
    loglik: float | None = None
    entropy: float | None = None
    subjects_read: int | None = None
    subjects_used: int | None = None
    subjects_excluded: int | None = None
    warnings: tuple[str, ...] = ()
    command: str | None = None
    build: str | None = None
    text: str = ""

    @property
    def model(self) -> str:
        return self.models[0] if self.models else ""

    @property
    def family(self) -> str:
        """"cnorm", "poisson", "zip", "logit", "beta", or "" where neither the model's name nor the rows tell.

        Families that traj does not have come from this package alone.
        """
        short = re.findall(r"\((\w+)\)", self.model) + re.findall(r"\w+", self.model)
        name = next((FAMILY_CALLED[w.lower()] for w in short if w.lower() in FAMILY_CALLED), "")
        if not self.models:  # cut off: the scale parameters tell some of them
            name = next((FAMILY_WITH[r.kind] for r in self.rows if r.kind in FAMILY_WITH), "")
        return by_zeros(name, zeros=any(r.kind == "zero" for r in self.rows))

    @property
    def kind(self) -> str:
        """"single", "multi" (outcomes share the groups), "joint" (two sets of groups) or "outcome" (distal outcome)."""
        if any("|" in r.label for r in (*self.rows, *self.membership)):
            return "joint"
        if len(self.models) > 1 or any(r.outcome for r in self.rows):
            return "multi"
        return "outcome" if any(r.kind == "outcome" for r in self.rows) else "single"

    @property
    def n_groups(self) -> int:
        groups = [r.group for r in (*self.rows, *self.membership) if r.group is not None and r.kind != "outcome"]
        return max(groups, default=0)

    @property
    def orders(self) -> tuple[int, ...]:
        """Polynomial order of each group; -1 for a group without a curve (a rate of zero)."""
        powers_by_group = [[POWERS[r.parameter.lower()] for r in self.rows if r.kind == "mean" and r.group == k + 1]
                 for k in range(self.n_groups)]
        return tuple(max(powers, default=-1) for powers in powers_by_group)

    @property
    def options(self) -> dict[str, str]:
        """The options of the echoed command, unchecked."""
        return options_of(self.command)


def read_printout(text: str | Path, which: int = -1) -> Printout:
    """Read a printed traj table.

    Parameters
    ----------
    text : a Stata log, a SAS listing, or a part of one that holds the table; a ``Path`` is read
    which : the table wanted where there are several: 0 is the first, -1 the last

    Raises
    ------
    DataError
        Where there is no table, or not that many.

    Examples
    --------
    >>> import gbtm
    >>> res = gbtm.GBTM([[1, 2, 3], [2, 3, 5], [1, 3, 4], [9, 7, 6], [8, 8, 5]], [0, 1, 2], groups=2, order=1).fit()
    >>> printed = read_printout(res.to_traj().text)
    >>> printed.n_groups, printed.orders, printed.family
    (2, (1, 1), 'cnorm')
    """
    raw = text.read_text(encoding="utf-8", errors="replace") if isinstance(text, Path) else text
    lines = plain_lines(raw)
    blocks = _blocks(lines)
    if not blocks:
        raise DataError(
            "text: no traj table in it.", code="no_table", argument="text",
            way_out="Give the output from 'Maximum Likelihood Estimates' down to the line with BIC.",
        )
    if not -len(blocks) <= which < len(blocks):
        raise DataError(
            f"which: {which}, but the text has {len(blocks)} traj table{'s' if len(blocks) > 1 else ''}.",
            code="no_table", argument="which", way_out=f"Give 0 to {len(blocks) - 1}, or -1 for the last.",
        )
    head, body = blocks[which]
    return _read_block(head, body)


def _blocks(lines: list[str]) -> list[tuple[list[str], list[str]]]:
    """Each table with the lines above it (since the table before)."""
    starts = [i for i, line in enumerate(lines) if START.search(line)]
    if not starts:
        starts = [i for i, line in enumerate(lines) if HEADING.match(line)]
    blocks, above = [], 0
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=False):
        footers = [i for i in range(start, end) if FOOTER.match(lines[i])]
        stop = min(footers[0] + FOOTER_LINES, end) if footers else end
        body = lines[start:stop]
        if any(_cells(line) for line in body):
            blocks.append((lines[above:start], body))
            above = footers[0] + 1 if footers else stop
    return blocks


def _cells(line: str) -> tuple[str, str, list[str]] | None:
    """A printed row as (group label, word, numbers), or None for any other line."""
    line = re.sub(r"\bGroup (\d+)(?=\s+-?\d*\.)", r"Group\1", line)  # "Group 1" of an outcome model
    words = line.split()
    label = words.pop(0) if len(words) > 1 and LABEL.match(words[0]) else ""
    if len(words) < 2 or not WORD.match(words[0]) or VALUE.match(words[0]):
        return None
    numbers = words[1:]
    if len(numbers) > 4 or not all(VALUE.match(w) for w in numbers):
        return None
    return label, words[0], numbers


def _read_block(head: list[str], body: list[str]) -> Printout:
    end = next((i for i, line in enumerate(body) if FOOTER.match(line)), len(body))
    rows, membership, models = _rows(body[:end])
    above, table_text = "\n".join(head), "\n".join(body)
    footer = "\n".join(body[end:])
    build = BUILD.search(above)
    warnings = [re.sub(r"(?i)^warning:\s*", "", w.strip(" *")) for w in head[-8:] if WARNING.search(w)]
    return Printout(
        source=_source(head, body), models=tuple(models), rows=tuple(rows), membership=tuple(membership),
        bic=tuple((_count(m["before"] or m["after"]), float(m["value"])) for m in BIC.finditer(footer)
                  if m["value"] != "."),
        aic=_number_of(AIC, footer), loglik=_number_of(LOGLIK, footer), entropy=_number_of(ENTROPY, footer),
        subjects_read=_counted(r"observations read", above),
        subjects_used=_counted(r"observations used in the trajectory model", above),
        subjects_excluded=_counted(r"excluded by", above),
        warnings=tuple(warnings), command=last_command(head), build=build.group(1) if build else None, text=table_text,
    )


def _rows(lines: list[str]) -> tuple[list[Row], list[Row], list[str]]:
    """Rows of the curves, rows of the membership, the models' names."""
    rows: list[Row] = []
    membership: list[Row] = []
    models: list[str] = []
    section, above, outcome = "curves", Row(None, "", "", "", float("nan")), 0
    for i, line in enumerate(lines):
        named = MODEL.match(line)
        if named:
            models.append(named.group(1))
            outcome, section = len(models) - 1, "curves"
        elif re.match(r"\s*Group membership", line, re.IGNORECASE):
            section = "membership"
        elif re.match(r"\s*Outcome\b", line):
            section = "outcome"
        else:
            cells = _cells(line)
            if cells is None:
                continue
            label, word, numbers = cells
            following = lines[i + 1].split() if i + 1 < len(lines) else []
            if len(numbers) < 4 and following and all(VALUE.match(w) for w in following):
                numbers = (numbers + following)[:4]  # a line broken where a mail or a page was narrow
            above = _row(label, word, numbers, section, above, outcome)
            (membership if above.kind in ("share", "theta") else rows).append(above)
    return rows, membership, models


def _row(label: str, word: str, numbers: list[str], section: str, above: Row, outcome: int) -> Row:
    kind = kind_of(word, section, above)
    if not label and above.outcome == outcome and continues(kind, above):
        label = above.label
    cells = [*numbers, *["."] * (4 - len(numbers))]
    estimate, se, t, p = (float("nan") if c == "." else float(c.strip("()<")) for c in cells)
    group = int(label.split("|")[0][:DIGITS_MOST]) if label else None
    if group is not None and group > MOST_GROUPS:
        raise DataError(
            f"text: a line is of group {group}, which no table has.", code="no_table", argument="text",
            way_out="Give the listing as it was printed.",
        )
    return Row(
        group=group, label=label, parameter=word, kind=kind, estimate=estimate, se=se, t=t, p=p, outcome=outcome,
        unit=_unit(cells[0]), se_unit=_unit(cells[1]),
    )


def _unit(cell: str) -> float:
    """One unit of the last printed digit."""
    mantissa, _, exponent = cell.strip("()<").lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    power = int(exponent or 0) - decimals
    return 10.0**power if abs(power) < 300 else float("inf") if power > 0 else 0.0


def _source(head: list[str], body: list[str]) -> str:
    above, table_text = "\n".join(head), "\n".join(body)
    if "==== gbtm ====" in above:
        return "gbtm"
    if "traj stata plugin" in above or re.search(r"\((?:cnorm|zip|logit|beta)\)", table_text):
        return "stata"
    sas = re.search(r"\((?:CNORM|ZIP|LOGIT|BETA|POISSON)\)|\bL\s*=\s*-?\d", table_text)
    return "sas" if sas or re.search(r"SAS System|TRAJ Procedure", above, re.IGNORECASE) else "stata"


def _number_of(pattern: re.Pattern[str], text: str) -> float | None:
    match = pattern.search(text)
    return float(match.group(1)) if match else None


def _count(text: str | None) -> int | None:
    return int(text.replace(",", "")) if text else None


def _counted(words: str, text: str) -> int | None:
    counts = re.findall(rf"([\d,]+) {words}", text)
    return _count(counts[-1]) if counts else None
