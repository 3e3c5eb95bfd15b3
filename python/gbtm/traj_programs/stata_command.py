"""Stata's command text: ``traj, var(..) indep(..) model(..) order(..) ..`` read, checked and run.

Options are Stata's, with their abbreviations; an option that cannot be honoured is an error that says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import CommandError
from ..families import FAMILIES, having
from ..model.description import Design, Outcome, described
from .stata_varlist import expand_varlist

if TYPE_CHECKING:
    pass

# option -> shortest abbreviation read
OPTIONS = {
    "var": 3, "indep": 5, "model": 5, "order": 5, "iorder": 6, "min": 3, "max": 3, "sigmabygroup": 12, "start": 5,
    "detail": 6, "novar": 5, "risk": 4, "refgroup": 4, "tcov": 4, "plottcov": 8, "exposure": 5, "weight": 6,
    "outofsample": 5, "dropout": 4, "dcov": 4, "obsmar": 6, "ar1": 3,
    "rhobygroup": 10, "rorder": 6,
}
# what traj has and this layer does not do yet
NOT_YET = {
    "multgroups", "multrisk", "outcome", "omodel", "ocov", "twostep", "joint", "ci",
    "probupdates",
}
MODELS = tuple(dict.fromkeys(str(FAMILIES[name].traj_model) for name in having("traj_model")))


@dataclass(frozen=True)
class Command:
    """A command text, read. ``var`` and ``indep`` are column names of the data."""

    text: str
    var: tuple[str, ...]
    indep: tuple[str, ...]
    model: str
    order: tuple[int, ...]
    iorder: tuple[int, ...] | None = None
    min: float | None = None
    max: float | None = None
    sigma_by_group: bool = False
    start: tuple[float, ...] | str | None = None
    risk: tuple[str, ...] = ()
    refgroup: int = 1
    tcov: tuple[tuple[str, ...], ...] = ()
    plottcov: tuple[float, ...] | str | None = None
    exposure: tuple[str, ...] = ()
    weight: str | None = None
    outofsample: str | None = None
    dropout: tuple[int, ...] | None = None
    dcov: tuple[tuple[str, ...], ...] = ()
    obsmar: str | None = None
    ar1: bool = False
    rho_by_group: bool = False
    rorder: tuple[int, ...] | None = None
    ignored: tuple[str, ...] = field(default_factory=tuple)

    @property
    def described(self) -> tuple[Outcome, Design]:
        """The model that the command asks for."""
        given = {name: getattr(self, name) for name in (
            "order", "iorder", "sigma_by_group", "min", "max", "risk", "refgroup", "dropout", "obsmar", "ar1",
            "rho_by_group", "rorder")}
        given |= {name: value or None for name, value in (("risk", self.risk), ("dcov", self.dcov))}
        family = self.model if self.iorder is not None else FAMILIES[self.model].without_zeros or self.model
        return described({
            "groups": len(self.order), "family": family, "tcov": self.tcov or None, "exposure": self.exposure or None,
            "weights": self.weight, "out_of_sample": self.outofsample, **given,
        })

    @property
    def columns(self) -> list[str]:
        """Every column of the data that the command uses."""
        single = [c for c in (self.weight, self.outofsample, self.obsmar) if c is not None]
        wanted = [*self.var, *self.indep, *self.risk, *(c for w in (*self.tcov, *self.dcov) for c in w)]
        wanted += [*self.exposure, *single]
        return list(dict.fromkeys(wanted))


def parse(text: str, columns: Sequence[str]) -> Command:
    """Read a command text against the data's column names.

    Raises
    ------
    CommandError
        For what is not a traj command, an unknown or unsupported option, an unknown variable.
    """
    options = _options(text)
    for name in ("var", "indep", "model", "order"):
        if name not in options:
            raise CommandError(
                f"{name}(): missing.", code="missing_option", argument=name,
                way_out="A command has var() indep() model() order().",
            )
    model = options["model"].strip().lower()
    if model not in MODELS:
        raise CommandError(
            f"model({model}): not available.", code="unknown_model", argument="model",
            way_out=f"Use one of {', '.join(MODELS)}.",
        )
    order = _whole(options["order"], "order")
    var, indep = (expand_varlist(options[o], columns, o) for o in ("var", "indep"))
    if len(var) != len(indep):
        raise CommandError(
            f"indep(): {len(indep)} variables for {len(var)} in var().", code="wave_mismatch", argument="indep",
            way_out="Give one time variable per outcome variable.",
        )
    return Command(
        text=text, var=var, indep=indep, model=model, order=order,
        iorder=_whole(options["iorder"], "iorder") if "iorder" in options else None,
        min=_number(options, "min"), max=_number(options, "max"), sigma_by_group="sigmabygroup" in options,
        start=_start(options.get("start")),
        risk=expand_varlist(options["risk"], columns, "risk") if "risk" in options else (),
        refgroup=_one_of_whole(options["refgroup"], "refgroup") if "refgroup" in options else 1,
        tcov=_by_wave(options, "tcov", columns, len(var)), plottcov=_start(options.get("plottcov")),
        exposure=next(iter(_by_wave(options, "exposure", columns, len(var))), ()),
        weight=_single(options, "weight", columns), outofsample=_single(options, "outofsample", columns),
        dropout=_whole(options["dropout"], "dropout") if "dropout" in options else None,
        dcov=_by_wave(options, "dcov", columns, len(var)), obsmar=_single(options, "obsmar", columns),
        ar1="ar1" in options, rho_by_group="rhobygroup" in options,
        rorder=_whole(options["rorder"], "rorder") if "rorder" in options else None,
        ignored=tuple(o for o in ("detail", "novar") if o in options),
    )


def _by_wave(
    options: dict[str, str], name: str, columns: Sequence[str], waves: int
) -> tuple[tuple[str, ...], ...]:
    """A variable list cut into sets of one variable per wave."""
    if name not in options:
        return ()
    found = expand_varlist(options[name], columns, name)
    several = name in ("tcov", "dcov")
    if len(found) % waves or (len(found) > waves and not several):
        raise CommandError(
            f"{name}(): {len(found)} variables for {waves} waves.", code="wave_mismatch", argument=name,
            way_out="Give one variable per wave" + (", all waves of a covariate before the next." if several else "."),
        )
    return tuple(found[i : i + waves] for i in range(0, len(found), waves))


def _single(options: dict[str, str], name: str, columns: Sequence[str]) -> str | None:
    if name not in options:
        return None
    found = expand_varlist(options[name], columns, name)
    if len(found) != 1:
        raise CommandError(
            f"{name}(): {len(found)} variables.", code="bad_syntax", argument=name, way_out="Name one variable.",
        )
    return found[0]


def _one_of_whole(text: str, name: str) -> int:
    values = _whole(text, name)
    if len(values) != 1:
        raise CommandError(
            f"{name}({text}): not one whole number.", code="bad_order", argument=name,
            way_out=f"For example {name}(1).",
        )
    return values[0]


def _options(text: str) -> dict[str, str]:
    """Option name -> its argument, '' for a flag."""
    body = re.sub(r"///.*?(\n|$)", " ", text).replace("\n", " ").strip().rstrip(";").strip()
    head, comma, rest = body.partition(",")
    words = head.split()
    if not words or words[0] != "traj" or not comma:
        raise CommandError(
            f"not a traj command: {body[:60]!r}.", code="not_traj", argument="command",
            way_out="It reads 'traj, var(..) indep(..) model(..) order(..)'.",
        )
    if len(words) > 1:
        raise CommandError(
            f"'{' '.join(words[1:])}' before the comma: if and in are not read.", code="if_in", argument="command",
            way_out="Select the rows of the data first.",
        )
    found: dict[str, str] = {}
    position = 0
    pattern = re.compile(r"\s*([A-Za-z]\w*)\s*(\(([^()]*)\))?")
    while position < len(rest):
        match = pattern.match(rest, position)
        if match is None:
            if not rest[position:].strip():
                break
            raise CommandError(
                f"cannot read '{rest[position:].strip()[:40]}'.", code="bad_syntax", argument="command",
                way_out="Options read name(values) or name, with balanced parentheses.",
            )
        name = _option_name(match.group(1))
        if name in found:
            raise CommandError(f"{name}(): given twice.", code="bad_syntax", argument=name, way_out="Give it once.")
        found[name] = match.group(3) or ""
        position = match.end()
    return found


def _option_name(word: str) -> str:
    low = word.lower()
    hits = [o for o, shortest in OPTIONS.items() if o == low or (len(low) >= shortest and o.startswith(low))]
    if hits:
        return hits[0]
    stem = low.rstrip("0123456789")
    if low in NOT_YET or stem in NOT_YET or (stem != low and stem in OPTIONS) or any(
        len(low) >= 4 and o.startswith(low) for o in NOT_YET
    ):
        raise CommandError(
            f"{word}(): traj has this option, this version does not.", code="unsupported_option", argument=word,
            way_out="Leave it out to fit the model without that part.",
        )
    raise CommandError(
        f"{word}(): not an option of traj.", code="unknown_option", argument=word,
        way_out=f"Options read here: {', '.join(OPTIONS)}.",
    )


def _whole(text: str, option: str) -> tuple[int, ...]:
    try:
        return tuple(int(w) for w in text.replace(",", " ").split())
    except ValueError:
        raise CommandError(
            f"{option}({text}): not whole numbers.", code="bad_order", argument=option,
            way_out=f"For example {option}(2 2).",
        ) from None


def _number(options: dict[str, str], name: str) -> float | None:
    if name not in options:
        return None
    try:
        return float(options[name])
    except ValueError:
        raise CommandError(
            f"{name}({options[name]}): not a number.", code="bad_bounds", argument=name,
            way_out=f"For example {name}(0).",
        ) from None


def _start(text: str | None) -> tuple[float, ...] | str | None:
    """start(): numbers inline, or the name of a matrix given by the caller."""
    if text is None:
        return None
    words = text.replace(",", " ").replace("\\", " ").split()
    try:
        return tuple(float(w) for w in words)
    except ValueError:
        return text.strip()
