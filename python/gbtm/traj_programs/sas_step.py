"""SAS Proc Traj statements, read into the command text that Stata's traj would take for the same model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import CommandError
from ..families import FAMILIES
from .sas_text import expand_list, statements

if TYPE_CHECKING:
    pass

MODELS = {word: family for family in FAMILIES.values() for word in family.sas_models}
LISTS = ("VAR", "INDEP", "RISK", "TCOV", "EXPOS", "WEIGHT", "DCOV", "OBSMAR", "OUTCOME", "OCOV")
NUMBERS = ("ORDER", "MIN", "MAX", "IORDER", "RORDER", "START", "REFGROUP", "DROPOUT", "PLOTTCOV")
FLAGS = ("SIGMABYGROUP", "AR1", "RHOBYGROUP", "TWOSTEP", "PROBUPDATES")
READ = ("ID", "MODEL", "NGROUPS", "OMODEL", *LISTS, *NUMBERS, *FLAGS)
PER_GROUP = ("ORDER", "RORDER", "DROPOUT")
SEVERAL = (*LISTS, *NUMBERS, "MODEL", "NGROUPS", "MULTGROUPS", "MULTRISK")  # with a number: a further outcome
# what the PROC statement asks for that changes no estimate -> where it is found instead
OUTPUTS = {
    "OUT": "group probabilities are in res.posterior, groups in res.assignment",
    "OUTPLOT": "curves come from res.predict() and res.plot()", "OUTSTAT": "estimates are in res.params",
    "OUTEST": "estimates are in res.params, their covariance in res.cov_params()",
}
SILENT = {
    "ITDETAIL": "progress is shown by fit(progress=True)", "ALTSTART": "many starts are tried anyway",
    "CI95M": "res.predict() gives confidence bands", "DETAIL": "progress is shown by fit(progress=True)",
    "NOVAR": "no variables are written to the data", "NOPRINT": "print(res.to_traj()) prints the table",
}
COSMETIC = ("TITLE", "FOOTNOTE", "LABEL", "FORMAT", "OPTIONS")


@dataclass(frozen=True)
class ProcTraj:
    """A PROC TRAJ step, read.

    Attributes
    ----------
    command : the command text of Stata's traj for the same model
    id : the ID variable, or None
    data : the name after DATA=, for the record
    ignored : statements and options that change no estimate, each with the reason
    assumed : defaults of Proc Traj that were not written in the step
    """

    command: str
    id: str | None
    data: str | None
    ignored: tuple[str, ...]
    assumed: tuple[str, ...]


def parse_proc(text: str, columns: Sequence[str]) -> ProcTraj:
    """Read a PROC TRAJ step against the data's column names.

    Raises
    ------
    CommandError
        Where there is no step or more than one, for an unknown statement or variable, for a second outcome, and for
        what Proc Traj itself would refuse.

    Examples
    --------
    >>> step = "proc traj data=a out=of; id no; var y1-y3; indep t1-t3; model cnorm; max 9; ngroups 2; order 1 2; run;"
    >>> read = parse_proc(step, ["NO", "Y1", "Y2", "Y3", "T1", "T2", "T3"])
    >>> read.command
    'traj, var(Y1 Y2 Y3) indep(T1 T2 T3) model(cnorm) order(1 2) min(0) max(9)'
    >>> read.id, read.assumed
    ('NO', ('MIN is not given: Proc Traj takes 0.',))
    """
    step, ignored = _step(statements(text))
    data, flags, dropped = _head(step[0])
    said, more = _said(step[1:])
    ignored += dropped + more
    said.update({f: "" for f in flags})
    for name in ("VAR", "INDEP", "MODEL", "ORDER"):
        if name not in said:
            raise CommandError(
                f"{name}: missing.", code="missing_option", argument=name,
                way_out="A step has VAR, INDEP, MODEL and ORDER (one order for each group).",
            )
    ids = expand_list(said["ID"], columns, "ID") if "ID" in said else []
    ignored += [f"ID {' '.join(ids[1:])}: only the first ID variable names the subjects."] if len(ids) > 1 else []
    options, assumed = _options(said, columns)
    return ProcTraj("traj, " + " ".join(options), ids[0] if ids else None, data, tuple(ignored), tuple(assumed))


def _step(found: list[str]) -> tuple[list[str], list[str]]:
    """The statements of the one PROC TRAJ step, and what stands around it."""
    starts = [i for i, s in enumerate(found) if re.match(r"proc\s+traj\b", s, re.IGNORECASE)]
    if len(starts) != 1:
        what = "no PROC TRAJ step" if not starts else f"{len(starts)} PROC TRAJ steps"
        raise CommandError(
            f"{what} in the text.", code="not_traj", argument="text",
            way_out="Give one step, from 'PROC TRAJ DATA=..;' to 'RUN;'.",
        )
    end = starts[0] + 1
    while end < len(found) and not re.match(r"(?:run|quit|proc|data|%)", found[end], re.IGNORECASE):
        end += 1
    step = found[starts[0] : end]
    macro = next((m for s in step for m in re.findall(r"[&%]\w+", re.sub(r"'[^']*'|\"[^\"]*\"", "", s))), None)
    if macro:
        raise CommandError(
            f"'{macro}': macro language is not read.", code="bad_syntax", argument="text",
            way_out="Write what it stands for.",
        )
    around = [s for s in found[: starts[0]] + found[end:] if not re.fullmatch(r"(?:run|quit)", s, re.IGNORECASE)]
    return step, [f"{_shown(s)}: {_why(s)}." for s in around]


def _why(statement: str) -> str:
    plot = re.match(r"%trajplot", statement, re.IGNORECASE)
    return "plots come from res.plot()" if plot else "not part of the step"


def _head(statement: str) -> tuple[str | None, list[str], list[str]]:
    """The PROC statement: data set name, flags that belong to the model, what is ignored."""
    rest = re.sub(r"proc\s+traj\s*", "", statement, count=1, flags=re.IGNORECASE)
    if re.search(r"\(\s*(?:where|obs|firstobs|keep|drop|rename)\s*=", rest, re.IGNORECASE):
        raise CommandError(
            f"{_shown(rest)}: data set options are not read.", code="if_in", argument="DATA",
            way_out="Select the rows and rename the columns of the data first.",
        )
    data: str | None = None
    ignored = []
    for name, value in re.findall(r"(\w+)\s*=\s*(\S+)", rest):
        if name.upper() == "DATA":
            data = value
            continue
        stem = name.upper().rstrip("0123456789")
        if stem not in OUTPUTS:
            raise _not_read(name, "an option of PROC TRAJ")
        ignored.append(f"{name.upper()}={value}: no data sets are written; {OUTPUTS[stem]}.")
    flags = []
    for word in re.sub(r"\w+\s*=\s*\S+", " ", rest).upper().split():
        if word in FLAGS:
            flags.append(word)
        elif word in SILENT:
            ignored.append(f"{word}: {SILENT[word]}.")
        else:
            raise _not_read(word, "an option of PROC TRAJ")
    return data, flags, ignored


def _said(body: list[str]) -> tuple[dict[str, str], list[str]]:
    """Statement name -> what it says, and what is ignored."""
    said: dict[str, str] = {}
    ignored = []
    for statement in body:
        word, _, rest = statement.partition(" ")
        name = word.upper()
        if "(" in name:  # 'ORDER(2 2)'
            name, rest = name.partition("(")[0], statement[statement.index("(") :]
        stem = name.rstrip("0123456789")
        if name in COSMETIC or stem in COSMETIC:
            ignored.append(f"{name}: changes no estimate.")
            continue
        if name in SILENT:
            ignored.append(f"{name}: {SILENT[name]}.")
            continue
        if name in ("WHERE", "BY"):
            raise CommandError(
                f"{_shown(statement)}: rows are not selected here (nor by Proc Traj).", code="if_in", argument=name,
                way_out="Select the rows of the data first.",
            )
        if name in ("MULTGROUPS", "MULTRISK") or (stem != name and stem in SEVERAL and name not in READ):
            raise _several(body)
        if name not in READ:
            raise _not_read(word, "a statement of Proc Traj")
        if name in said:
            raise CommandError(f"{name}: given twice.", code="bad_syntax", argument=name, way_out="Give it once.")
        said[name] = re.sub(r"[()]", " ", rest).strip()
    return said, ignored


def _several(body: list[str]) -> CommandError:
    words = [s.split()[0].upper() for s in body]
    further = [w for w in words if w.rstrip("0123456789") in SEVERAL and w not in READ]
    kind = "multi-trajectory model (MULTGROUPS)" if "MULTGROUPS" in words else "dual (joint) trajectory model"
    return CommandError(
        f"{', '.join(further)}: this is a {kind}; this version fits one outcome at a time.", code="unsupported_option",
        argument=further[0], way_out="Give the statements of one outcome: VAR, INDEP, MODEL, ORDER.",
    )


def _options(said: dict[str, str], columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The options of the Stata command, and the defaults taken."""
    model = said["MODEL"].lower()
    if model not in MODELS:
        raise CommandError(
            f"MODEL {said['MODEL']}: not available.", code="unknown_model", argument="MODEL",
            way_out=f"Use one of {', '.join(m.upper() for m in MODELS)}.",
        )
    order = _numbers(said, "ORDER")
    groups = _numbers(said, "NGROUPS") if "NGROUPS" in said else [str(len(order))]
    if len(groups) != 1 or groups[0] != str(len(order)):
        raise CommandError(
            f"NGROUPS {' '.join(groups)}: ORDER gives {len(order)}.", code="bad_groups", argument="NGROUPS",
            way_out="ORDER takes one number for each group.",
        )
    said, assumed = _defaults(said, model)
    options = [f"{s.lower()}({' '.join(expand_list(said[s], columns, s))})" for s in ("VAR", "INDEP")]
    options += [f"model({MODELS[model].traj_model})", f"order({' '.join(order)})"]
    for name in (*NUMBERS, *LISTS, *FLAGS, "OMODEL"):
        if name in ("ORDER", "VAR", "INDEP") or name not in said:
            continue
        if name in FLAGS:
            options.append(name.lower())
        elif name == "OMODEL":
            options.append(f"omodel({said[name].lower()})")
        elif name in LISTS:
            options.append(f"{name.lower()}({' '.join(expand_list(said[name], columns, name))})")
        else:
            values = _numbers(said, name)
            if name in PER_GROUP and len(values) == 1:
                values = values * len(order)
            options.append(f"{name.lower()}({' '.join(values)})")
    return options, assumed


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


def _not_read(word: str, what: str) -> CommandError:
    return CommandError(
        f"{word}: not {what} that is read.", code="unknown_option", argument=word,
        way_out=f"Read are {', '.join(READ)}, and on the PROC statement DATA=, "
        f"{'=, '.join(OUTPUTS)}=, {', '.join(SILENT)}.",
    )


def _shown(statement: str) -> str:
    return statement if len(statement) <= 40 else statement[:37] + "..."
