"""One PROC TRAJ step, read into the command text that Stata's traj would take for the same model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import CommandError
from ..families import FAMILIES
from .faults import Faults
from .plot_request import PlotRequest
from .row_selection import read_condition
from .row_values import from_sas, words
from .sas_head import SILENT, Head, not_read, read_head, shown
from .sas_text import column_of, expand_list
from .stata_text import Line

MODELS = {word: family for family in FAMILIES.values() for word in family.sas_models}
LISTS = ("VAR", "INDEP", "RISK", "TCOV", "EXPOS", "WEIGHT", "DCOV", "OBSMAR", "OUTCOME", "OCOV")
NUMBERS = ("ORDER", "MIN", "MAX", "IORDER", "RORDER", "START", "REFGROUP", "DROPOUT", "PLOTTCOV")
FLAGS = ("SIGMABYGROUP", "AR1", "RHOBYGROUP", "TWOSTEP", "PROBUPDATES")
READ = ("ID", "MODEL", "NGROUPS", "OMODEL", *LISTS, *NUMBERS, *FLAGS)
PER_GROUP = ("ORDER", "RORDER", "DROPOUT")
SEVERAL = (*LISTS, *NUMBERS, "MODEL", "NGROUPS", "MULTGROUPS", "MULTRISK")  # with a number: a further outcome
COSMETIC = ("TITLE", "FOOTNOTE", "LABEL", "FORMAT", "OPTIONS")
WHERE_IS_READ = ("WHERE: the rows are selected here. Proc Traj's documentation says that it does not support WHERE: it "
                 "may have fitted all rows, unless they were selected by DATA=..(WHERE=(..)).")
DEFAULT_ORDER = 3  # taken where a step has no ORDER


@dataclass(frozen=True)
class ProcTraj:
    """A PROC TRAJ step, read.

    Attributes
    ----------
    command : the command text of Stata's traj for the same model and the same rows
    persons : the ID variables, which name a person together
    data : the name after DATA=, for the record
    ignored : statements and options that change no estimate, each with the reason
    assumed : defaults of Proc Traj that were not written in the step, and what of it Proc Traj may read otherwise
    plots : what %TRAJPLOT draws of it
    """

    command: str
    persons: tuple[str, ...]
    data: str | None
    ignored: tuple[str, ...]
    assumed: tuple[str, ...]
    plots: tuple[PlotRequest, ...] = ()

    @property
    def id(self) -> str | None:
        """The ID variable where there is one alone."""
        return self.persons[0] if len(self.persons) == 1 else None


def read_step(step: list[Line], columns: Sequence[str], faults: Faults) -> ProcTraj | None:
    """A step from its PROC statement to before RUN; its faults are noted, and None is returned where there are any."""
    mine = Faults(faults.source)
    unread = set()
    for line in step:
        with mine.at(line.start):
            unread.add(line)
            _refuse_macros(line.text)
            unread.remove(line)
    head = Head(None, [], [], None, None)
    with mine.at(step[0].start):
        head = read_head(step[0].text, FLAGS)
    said, places, ignored, further = _said([line for line in step[1:] if line not in unread], mine)
    said.update({f: "" for f in head.flags})
    places.update({f: step[0].start for f in head.flags})
    wheres = [w for w in (head.where, said.pop("WHERE", None)) if w is not None]
    assumed = [WHERE_IS_READ] if "WHERE" in places else []
    unread_names = {_name(line.text)[0] for line in unread}
    missing = _missing(said, unread_names, step[0].start, mine)
    for number, (own, _) in further.items():
        missing += _missing(own, unread_names, step[0].start, mine, str(number))
    persons: list[str] = []
    if "ID" in said:
        with mine.at(places["ID"]):
            persons = expand_list(said["ID"], columns, "ID")
    before = ""
    with mine.at(places.get("WHERE", step[0].start)):
        before = _rows(wheres, head.rows, columns)
    options: list[str] = []
    if not missing and not unread:
        options, more = _options(said, places, columns, mine)
        assumed += more
        for number, (own, its_places) in sorted(further.items()):
            its, more = _options(own, its_places, columns, mine)
            options += [re.sub(r"^(\w+)", rf"\g<1>{number}", option) for option in its]
            assumed += [f"Outcome {number}: {told}" for told in more]
        options += _of_all(said, places, columns, mine)
    faults.take(mine)
    if mine.any:
        return None
    return ProcTraj(
        f"traj{before}, {' '.join(options)}", tuple(persons), head.data, tuple(head.ignored + ignored), tuple(assumed)
    )


def _missing(said: dict[str, str], unread: set[str], start: int, faults: Faults, number: str = "") -> list[str]:
    """Statements that every outcome has and this one has not; each is noted as a fault."""
    needed = ("VAR", "INDEP", "MODEL") if "NGROUPS" in said else ("VAR", "INDEP", "MODEL", "ORDER")
    missing = [n for n in needed if n not in said and f"{n}{number}" not in unread]
    for name in missing:
        faults.add(CommandError(
            f"{name}{number}: missing.", code="missing_option", argument=f"{name}{number}",
            way_out="A step has VAR, INDEP, MODEL and ORDER (one order for each group)" + (
                ", a further outcome the same with its number." if number else "."),
        ), start)
    return missing


def _of_all(said: dict[str, str], places: dict[str, int], columns: Sequence[str], faults: Faults) -> list[str]:
    """MULTGROUPS and MULTRISK, which are of all outcomes."""
    out = []
    if "MULTGROUPS" in said:
        with faults.at(places["MULTGROUPS"]):
            out.append(f"multgroups({' '.join(_numbers(said, 'MULTGROUPS'))})")
    if "MULTRISK" in said:
        with faults.at(places["MULTRISK"]):
            out.append(f"multrisk({' '.join(expand_list(said['MULTRISK'], columns, 'MULTRISK'))})")
    return out


def _refuse_macros(text: str) -> None:
    macro = re.search(r"[&%]\w+", re.sub(r"'[^']*'|\"[^\"]*\"", "", text))
    if macro:
        raise CommandError(
            f"'{macro[0]}': macro language is not read, but for %LET and the &names that it sets.", code="bad_syntax",
            argument="text", way_out="Write what it stands for.",
        )


def _rows(wheres: list[str], rows: str | None, columns: Sequence[str]) -> str:
    """The rows of a step as Stata's if and in."""
    nodes = [read_condition(w, lambda c: column_of(c, columns, "where"), sas=True) for w in wheres]
    parts = [f"({words(from_sas(node))})" if len(nodes) > 1 else words(from_sas(node)) for node in nodes]
    return (f" if {' & '.join(parts)}" if parts else "") + (f" in {rows}" if rows else "")


Statements = tuple[dict[str, str], dict[str, int]]  # name -> what it says, and where


def _said(
    body: list[Line], faults: Faults
) -> tuple[dict[str, str], dict[str, int], list[str], dict[int, Statements]]:
    """Statement name -> what it says and where, what is ignored, and the statements of further outcomes by number."""
    said: dict[str, str] = {}
    places: dict[str, int] = {}
    ignored: list[str] = []
    others: dict[int, Statements] = {}
    further = [line for line in body if _is_further(_name(line.text)[0])]
    _check_dual(further, faults)
    for line in body:
        name, rest = _name(line.text)
        stem = name.rstrip("0123456789")
        with faults.at(line.start):
            if name in COSMETIC or stem in COSMETIC:
                ignored.append(f"{name}: changes no estimate.")
            elif name in SILENT:
                ignored.append(f"{name}: {SILENT[name]}.")
            elif name == "BY":
                raise CommandError(
                    f"{shown(line.text)}: fits by groups are not made here.", code="if_in", argument=name,
                    way_out="Fit each group on its own, with DATA=..(WHERE=(..)).",
                )
            elif line in further and name not in ("MULTGROUPS", "MULTRISK"):
                own, its_places = others.setdefault(int(name[len(stem):]), ({}, {}))
                _note(name, stem, rest, line, own, its_places)
            elif line in further:
                _note(name, name, rest, line, said, places)
            elif name not in (*READ, "WHERE"):
                raise not_read(line.text.split()[0], "a statement of Proc Traj")
            else:
                _note(name, name, rest, line, said, places)
    return said, places, ignored, others


def _note(name: str, stem: str, rest: str, line: Line, said: dict[str, str], places: dict[str, int]) -> None:
    """Keep what a statement says, once."""
    if stem in said:
        raise CommandError(f"{name}: given twice.", code="bad_syntax", argument=name, way_out="Give it once.")
    said[stem] = rest if name == "WHERE" else re.sub(r"[()]", " ", rest).strip()
    places[stem] = line.start


def _name(statement: str) -> tuple[str, str]:
    """The statement's name without the 1 of a first outcome, and what follows: also in 'ORDER(2 2)'."""
    match = re.match(r"([^\s(]+)\s*(.*)", statement, re.DOTALL)
    assert match is not None
    name = match[1].upper()
    return (name[:-1] if name[-1] == "1" and name[:-1] in SEVERAL else name), match[2]


def _is_further(name: str) -> bool:
    stem = name.rstrip("0123456789")
    return name in ("MULTGROUPS", "MULTRISK") or (stem != name and stem in SEVERAL and name not in READ)


def _check_dual(further: list[Line], faults: Faults) -> None:
    """Without MULTGROUPS a further outcome makes Proc Traj's joint model: two outcomes with groups of their own."""
    names = {_name(line.text)[0]: line.start for line in further}
    if "MULTGROUPS" in names:
        return
    if "MULTRISK" in names:
        faults.add(CommandError(
            "MULTRISK: goes with MULTGROUPS.", code="bad_syntax", argument="MULTRISK",
            way_out="Without it each outcome has groups of its own: RISK and RISK2.",
        ), names["MULTRISK"])
    for name, start in names.items():
        number = name[len(name.rstrip("0123456789")):]
        if number and int(number) != 2:
            faults.add(CommandError(
                f"{name}: without MULTGROUPS this is a dual (joint) model, of two outcomes with groups of their own.",
                code="bad_syntax", argument=name,
                way_out="With MULTGROUPS the outcomes share their groups.",
            ), start)
            return


def _options(
    said: dict[str, str], places: dict[str, int], columns: Sequence[str], faults: Faults
) -> tuple[list[str], list[str]]:
    """The options of the Stata command, and the defaults taken."""
    model, order, assumed = said["MODEL"].lower(), list[str](), list[str]()
    with faults.at(places["MODEL"]):
        if model not in MODELS:
            raise CommandError(
                f"MODEL {said['MODEL']}: not available.", code="unknown_model", argument="MODEL",
                way_out=f"Use one of {', '.join(m.upper() for m in MODELS)}.",
            )
        said, assumed = _defaults(said, model)
    with faults.at(places.get("ORDER", places.get("NGROUPS", 0))):
        order, more = _orders(said)
        assumed += more
    options = []
    for name in ("VAR", "INDEP"):
        with faults.at(places[name]):
            options.append(f"{name.lower()}({' '.join(expand_list(said[name], columns, name))})")
    if model in MODELS:
        options.append(f"model({MODELS[model].traj_model})")
    options.append(f"order({' '.join(order)})")
    for name in (*NUMBERS, *LISTS, *FLAGS, "OMODEL"):
        if name in ("ORDER", "VAR", "INDEP") or name not in said:
            continue
        with faults.at(places.get(name, 0)):
            options.append(_option(name, said, columns, len(order)))
    return options, assumed


def _orders(said: dict[str, str]) -> tuple[list[str], list[str]]:
    groups = _numbers(said, "NGROUPS") if "NGROUPS" in said else None
    if "ORDER" not in said and groups is not None and len(groups) == 1 and groups[0].isdigit() and int(groups[0]):
        told = (f"ORDER is not given: order {DEFAULT_ORDER} is taken for each of the {groups[0]} groups. Proc Traj's "
                "documentation does not print its default: write ORDER.")
        return [str(DEFAULT_ORDER)] * int(groups[0]), [told]
    order = _numbers(said, "ORDER") if "ORDER" in said else []
    if groups is not None and (len(groups) != 1 or groups[0] != str(len(order))):
        raise CommandError(
            f"NGROUPS {' '.join(groups)}: ORDER gives {len(order)}.", code="bad_groups", argument="NGROUPS",
            way_out="ORDER takes one number for each group.",
        )
    return order, []


def _option(name: str, said: dict[str, str], columns: Sequence[str], n_groups: int) -> str:
    if name in FLAGS:
        return name.lower()
    if name == "OMODEL":
        return f"omodel({said[name].lower()})"
    if name in LISTS:
        return f"{name.lower()}({' '.join(expand_list(said[name], columns, name))})"
    values = _numbers(said, name)
    if name in PER_GROUP and len(values) == 1:
        values = values * n_groups
    return f"{name.lower()}({' '.join(values)})"


def _defaults(said: dict[str, str], model: str) -> tuple[dict[str, str], list[str]]:
    """What Proc Traj takes where a statement is left out."""
    assumed = []
    if MODELS[model].has_bounds and "MAX" not in said:
        raise CommandError(
            f"MAX: missing; Proc Traj requires it for {model.upper()}.", code="missing_option", argument="MAX",
            way_out="Give the largest possible value, or a number above all data for no censoring from above.",
        )
    if MODELS[model].has_bounds and "MIN" not in said:
        said = {**said, "MIN": "0"}
        assumed.append("MIN is not given: Proc Traj takes 0.")
    if MODELS[model].is_zero_inflated and "IORDER" not in said:
        assumed.append("IORDER is not given: no zero inflation.")
    return said, assumed


def _numbers(said: dict[str, str], name: str) -> list[str]:
    words = said[name].replace(",", " ").split()
    if not words or not all(re.fullmatch(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", w) for w in words):
        raise CommandError(
            f"{name} {said[name]}: not numbers.", code="bad_syntax", argument=name, way_out=f"For example {name} 2 2;",
        )
    return words
