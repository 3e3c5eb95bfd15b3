"""Stata's command text: ``traj, var(..) indep(..) model(..) order(..) ..`` read, checked and run.

Options are Stata's, with their abbreviations; an option that cannot be honoured is an error that says so. What is not
given has traj's own default, and where that is a number that matters the command says so in ``assumed``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ..errors import CommandError
from ..families import FAMILIES, having
from ..specification.description import Design, DistalOutcome, described
from ..specification.outcome import Outcome
from .distal_options import read_distal
from .faults import Faults
from .plot_request import PlotRequest
from .row_selection import RowSelection, read_condition, read_range
from .several_outcomes import options_of_each
from .stata_options import BOUNDS, NO_EFFECT, Given, numbers_or_name, read_options
from .stata_text import Line
from .stata_varlist import StataColumns

MIN_IS_ZERO = "min() is not given: traj takes 0, and what is 0 counts as censored there. Write min() to say otherwise."
MODELS = tuple(dict.fromkeys(str(FAMILIES[name].traj_model) for name in having("traj_model")))


@dataclass(frozen=True)
class Command:
    """A command text, read. ``var`` and ``indep`` are column names of the data.

    Attributes
    ----------
    selection : the rows of the data that it is for; None for all
    assumed : sentences on what the text leaves open and was taken to be, to be told as warnings
    notes : sentences on what of the text changes no estimate here
    plots : the pictures that are asked for after the fit
    persons : columns that name the persons, where the program says so
    """

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
    lower: tuple[float, ...] | str | None = None
    upper: tuple[float, ...] | str | None = None
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
    selection: RowSelection | None = None
    assumed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    plots: tuple[PlotRequest, ...] = ()
    persons: tuple[str, ...] = ()
    min_is_default: bool = False  # the minimum of the scale is traj's default and not the text's
    others: tuple[Command, ...] = ()  # the further outcomes, each as a command of its own
    dual: bool = False  # each of the two outcomes has groups of its own
    distal: DistalOutcome | None = None  # what outcome() asks for

    @property
    def described(self) -> tuple[Outcome, Design]:
        """The model that the command asks for."""
        given = {name: getattr(self, name) for name in (
            "order", "iorder", "sigma_by_group", "min", "max", "risk", "refgroup", "dropout", "obsmar", "ar1",
            "rho_by_group", "rorder")}
        given |= {name: value or None for name, value in (("risk", self.risk), ("dcov", self.dcov))}
        if self.iorder is not None and set(self.iorder) == {-1}:  # none in any group: counts without zero inflation
            given["iorder"] = None
        family = self.model if given["iorder"] is not None else FAMILIES[self.model].without_zeros or self.model
        return described({
            "groups": len(self.order), "family": family, "tcov": self.tcov or None, "exposure": self.exposure or None,
            "weights": self.weight, "out_of_sample": self.outofsample, **given,
        })

    @property
    def design(self) -> Design:
        """What belongs to the model as a whole."""
        own = self.described[1]
        if not self.dual:
            return own
        second = self.others[0].described[1]
        return replace(own, groups=(len(self.order), len(self.others[0].order)), risk2=second.risk,
                       refgroup2=second.refgroup, link="dual")

    @property
    def columns(self) -> list[str]:
        """Every column of the data that the command uses."""
        single = [c for c in (self.weight, self.outofsample, self.obsmar) if c is not None]
        wanted = [*self.var, *self.indep, *self.risk, *(c for w in (*self.tcov, *self.dcov) for c in w)]
        wanted += self.distal.columns if self.distal else []
        wanted += [*self.exposure, *single, *(c for other in self.others for c in other.columns)]
        return list(dict.fromkeys(wanted))


def read_command(line: Line, data: StataColumns, faults: Faults) -> Command | None:
    """One traj command, from its name on; its faults are noted, and None is returned where there are any."""
    head, _, _ = _before_comma(line.text)
    mine = Faults(faults.source)
    selection = _selection(line.part(4, head), data, mine)
    by_outcome = read_options(line.part(head + 1), mine)
    text = " ".join(line.text.split())
    each = [by_outcome[1]] if len(by_outcome) == 1 else options_of_each(by_outcome, mine)
    found: list[Command] = []
    for options in each:
        one = _Reader(options, data, mine, line.start).command(text, selection)
        if one is None:  # what is wrong with it may be what all outcomes share
            break
        found.append(one)
    faults.take(mine)
    dual = "multgroups" not in by_outcome[1]
    return None if mine.any or not found else _joined(found, dual=dual)


def _joined(commands: list[Command], *, dual: bool) -> Command:
    """The command of the first outcome with the further ones in it."""
    if len(commands) == 1:
        return commands[0]
    assumed = tuple(f"Outcome {m}: {s}" for m, c in enumerate(commands, start=1) for s in c.assumed)
    return replace(commands[0], others=tuple(commands[1:]), assumed=assumed, dual=dual)


def _before_comma(text: str) -> tuple[int, str, str]:
    """Where the comma before the options stands: not one in parentheses or quotes."""
    depth, quoted = 0, False
    for at, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif not quoted:
            depth += (character == "(") - (character == ")")
            if character == "," and not depth:
                return at, text[:at], text[at + 1 :]
    raise CommandError(
        f"not a traj command: '{text[:60]}'.", code="not_traj", argument="command",
        way_out="It reads 'traj, var(..) indep(..) model(..) order(..)'.",
    )


def _selection(line: Line, data: StataColumns, faults: Faults) -> RowSelection | None:
    """What ``if`` and ``in`` say before the comma."""
    text = line.text
    marks = [m for m in re.finditer(r"\b(if|in)\b(?=[^\"]*(?:\"[^\"]*\"[^\"]*)*$)", text)]
    before = text[: marks[0].start()] if marks else text
    if before.strip():
        weights = re.match(r"\s*\[\s*[pfai]w", before)
        faults.add(CommandError(
            f"'{before.strip()}' before the comma: traj takes if and in there.", code="bad_syntax", argument="command",
            way_out="Weights are an option, weight(..), with their variable." if weights else
            "It reads 'traj if age > 3 in 1/100, var(..) ..'.",
        ), line.start + len(before) - len(before.lstrip()))
    ends = [*(m.start() for m in marks[1:]), len(text)][: len(marks)]
    said: dict[str, Any] = {}
    for mark, end in zip(marks, ends, strict=True):
        words = text[mark.end() : end]
        with faults.at(line.start + mark.start()):
            if mark[1] in said:
                raise CommandError(
                    f"{mark[1]}: given twice.", code="if_in", argument=mark[1], way_out="Join conditions with &.",
                )
            said[mark[1]] = (
                read_condition(words, lambda word: data.column(word, "if")) if mark[1] == "if" else read_range(words)
            )
    if not said:
        return None
    return RowSelection(text[len(before) :].strip(), said.get("if"), said.get("in"))


class _Reader:
    """Makes a command of its options, noting the faults in each."""

    def __init__(self, options: dict[str, Given], data: StataColumns, faults: Faults, start: int) -> None:
        self.options, self.data, self.faults, self.start = options, data, faults, start
        self.text = {name: given.text for name, given in options.items()}

    def command(self, text: str, selection: RowSelection | None) -> Command | None:
        text_of, read = self.text, self._read
        for name in ("var", "indep", "model", "order"):
            if name not in text_of:
                self.faults.add(CommandError(
                    f"{name}(): missing.", code="missing_option", argument=name,
                    way_out="A command has var() indep() model() order().",
                ), self.start)
        values: dict[str, Any] = {
            "model": read("model", _model), "order": read("order", lambda t: _whole(t, "order")),
            **{o: read(o, partial(self.data.expand, option=o)) for o in ("var", "indep", "risk", "multrisk")},
            **{o: read(o, partial(_whole, option=o)) for o in ("iorder", "dropout", "rorder", "multgroups")},
            **{o: read(o, partial(_number, name=o)) for o in ("min", "max", "tol")},
            **{o: read(o, partial(_single, name=o, data=self.data)) for o in ("weight", "outofsample", "obsmar")},
            **{o: read(o, numbers_or_name) for o in ("start", "plottcov", "lower", "upper")},
            "refgroup": read("refgroup", lambda t: _one_of_whole(t, "refgroup")),
        }
        var, indep = values["var"] or (), values["indep"] or ()
        if var and indep and len(var) != len(indep):
            self.faults.add(CommandError(
                f"indep(): {len(indep)} variables for {len(var)} in var().",
                code="wave_mismatch", argument="indep", way_out="Give one time variable per outcome variable.",
            ), self.options["indep"].start)
        for o in ("tcov", "dcov", "exposure"):
            by_wave = partial(_by_wave, name=o, data=self.data, waves=len(var))
            values[o] = read(o, by_wave) if var else ()
        values["distal"] = read_distal(self.options, self.data, self.faults, self.start)
        self._multi(values)
        self._bounds(values)
        if self.faults.any:
            return None
        risk = values.pop("multrisk") or values.pop("risk", None)
        values.pop("multgroups"), values.pop("tol"), values.pop("risk", None)
        given = {name: value for name, value in values.items() if value is not None}
        exposure = next(iter(given.pop("exposure", ())), ())
        assumed = [*self._assumed(), *([self.data.sentence] if self.data.sentence else [])]
        ignored = tuple(o for o in NO_EFFECT if o in text_of and not (o == "twostep" and "distal" in given))
        return Command(
            text=text, risk=risk or (), exposure=exposure, ignored=ignored, assumed=tuple(assumed),
            sigma_by_group="sigmabygroup" in text_of, ar1="ar1" in text_of, rho_by_group="rhobygroup" in text_of,
            notes=tuple(f"{o}: {NO_EFFECT[o]}." for o in ignored), selection=selection,
            min_is_default=MIN_IS_ZERO in assumed, **given,
        )

    def _read(self, name: str, how: Callable[[str], Any]) -> Any:
        if name not in self.options:
            return None
        with self.faults.at(self.options[name].start):
            return how(self.text[name])
        return None

    def _multi(self, values: dict[str, Any]) -> None:
        """multgroups() and multrisk() of a model with one outcome: the same model, under traj's own restrictions."""
        groups, order = values["multgroups"], values["order"]
        if "multgroups" in self.text and groups is not None:
            with self.faults.at(self.options["multgroups"].start):
                count = _one_of_whole(self.text["multgroups"], "multgroups")
                if count and order and count != len(order):
                    raise CommandError(
                        f"multgroups({count}): order() has {len(order)}.",
                        code="bad_groups", argument="multgroups", way_out="order() takes one number for each group.",
                    )
                if count and "risk" in self.text:
                    raise CommandError(
                        "risk(): not with multgroups() in traj.", code="bad_syntax", argument="risk",
                        way_out="Use multrisk(), or leave multgroups() out: there is one outcome.",
                    )
        elif "multrisk" in self.text:
            self.faults.add(CommandError(
                "multrisk(): goes with multgroups().", code="bad_syntax", argument="multrisk",
                way_out="For one outcome use risk().",
            ), self.options["multrisk"].start)

    def _bounds(self, values: dict[str, Any]) -> None:
        """traj's defaults: min is 0, max has to be given; both belong to cnorm."""
        model = values["model"]
        if model is None or not FAMILIES[str(model)].has_bounds:
            return
        if "max" not in self.text:
            self.faults.add(CommandError(
                "max(): missing; traj requires it for model(cnorm).", code="missing_option", argument="max",
                way_out="Give the largest possible value, or a number above all data for no censoring from above.",
            ), self.start)
        if "min" not in self.text:
            values["min"] = 0.0

    def _assumed(self) -> list[str]:
        told = []
        if FAMILIES[self.text["model"].strip().lower()].has_bounds and "min" not in self.text:
            told.append(MIN_IS_ZERO)
        return told + [f"{o}({self.text[o].strip()}): {BOUNDS}." for o in ("lower", "upper")
                       if o in self.text and isinstance(numbers_or_name(self.text[o]), str)]


def _model(text: str) -> str:
    model = text.strip().lower()
    if model not in MODELS:
        raise CommandError(
            f"model({model}): not available.", code="unknown_model", argument="model",
            way_out=f"Use one of {', '.join(MODELS)}.",
        )
    return model


def _by_wave(text: str, name: str, data: StataColumns, waves: int) -> tuple[tuple[str, ...], ...]:
    """A variable list cut into sets of one variable per wave."""
    found = data.expand(text, name)
    several = name in ("tcov", "dcov")
    if len(found) % waves or (len(found) > waves and not several):
        raise CommandError(
            f"{name}(): {len(found)} variables for {waves} waves.", code="wave_mismatch", argument=name,
            way_out="Give one variable per wave" + (", all waves of a covariate before the next." if several else "."),
        )
    return tuple(found[i : i + waves] for i in range(0, len(found), waves))


def _single(text: str, name: str, data: StataColumns) -> str:
    found = data.expand(text, name)
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


def _whole(text: str, option: str) -> tuple[int, ...]:
    try:
        if not text.strip():
            raise ValueError
        return tuple(int(w) for w in text.replace(",", " ").split())
    except ValueError:
        raise CommandError(
            f"{option}({text}): not whole numbers.", code="bad_order", argument=option,
            way_out=f"For example {option}(2 2).",
        ) from None


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CommandError(
            f"{name}({text}): not a number.", code="bad_bounds", argument=name, way_out=f"For example {name}(0).",
        ) from None
