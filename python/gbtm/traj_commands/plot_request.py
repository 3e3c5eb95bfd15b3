"""What picture a program asks for after a fit: Stata's trajplot, SAS's %TRAJPLOT."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ..errors import CommandError
from .faults import Faults
from .stata_options import cut_options
from .stata_text import Line

NAMES = ("model", "xlabel", "ylabel", "xtitle", "ytitle", "legendlabels", "plotvars", "legendopts", "ci", "nolegend",
         "dropout", "noaverages")
TICKS_MOST = 200


@dataclass(frozen=True)
class PlotRequest:
    """A picture of the curves.

    Attributes
    ----------
    title, xtitle, ytitle : None where the figure's own stand
    bands : draw confidence bands
    averages : draw the observed means
    legend : draw the legend
    xticks, yticks : where the axes are marked; None for where the figure marks them itself
    outcome : of several, whose curves are drawn, from 1
    """

    title: str | None = None
    xtitle: str | None = None
    ytitle: str | None = None
    bands: bool = False
    averages: bool = True
    legend: bool = True
    xticks: tuple[float, ...] | None = None
    yticks: tuple[float, ...] | None = None
    outcome: int = 1

    def check(self, n_outcomes: int) -> None:
        """Refuse a number of an outcome that the model does not have."""
        if not 1 <= self.outcome <= n_outcomes:
            raise no_option("model", str(self.outcome), n_outcomes)


def read_trajplot(line: Line, faults: Faults) -> tuple[PlotRequest, list[str]]:
    """A ``trajplot`` command, from its name on, and what of it has no effect."""
    head, comma, _ = line.text.partition(",")
    if head.split() != ["trajplot"]:
        faults.add(CommandError(
            f"trajplot: '{head[8:].strip()}' before the comma.", code="bad_syntax", argument="trajplot",
            way_out="It reads 'trajplot, xtitle(..) ytitle(..) ci'.",
        ), line.start)
    said: dict[str, object] = {}
    notes = []
    for word, given, place in cut_options(line.part(len(head) + len(comma)), faults):
        text = "" if given is None else given.text
        with faults.at(place):
            name = word.lower()
            if name in ("xtitle", "ytitle"):
                said[name] = title(text)
            elif name in ("xlabel", "ylabel"):
                said[name[0] + "ticks"] = numlist(text, name)
                notes += [f"trajplot's {name}(.. ,{text.partition(',')[2]})"] if "," in text else []
            elif name == "ci":
                said["bands"] = True
            elif name == "nolegend":
                said["legend"] = False
            elif name == "noaverages":
                said["averages"] = False
            elif name in ("legendlabels", "legendopts"):
                notes.append(f"trajplot's {name}(): labels is an argument of plot()")
            elif name == "model" and text.strip().isdigit():
                said["outcome"] = int(text)
            else:
                raise no_option(word, text)
    return PlotRequest(**said), notes  # type: ignore[arg-type]


def no_option(word: str, text: str, n_outcomes: int = 1) -> CommandError:
    """The error for an option of trajplot that is not read, with what there is instead."""
    outcomes = "There is one outcome, model(1)." if n_outcomes == 1 else f"Outcomes are 1 to {n_outcomes}."
    instead = {
        "dropout": "Probabilities of dropout are in plot_matrix().", "model": outcomes,
        "plotvars": "plot_matrix() has the numbers behind the picture.",
    }
    known = word.lower() in NAMES
    return CommandError(
        f"trajplot: {word}({text}): " + ("not drawn here." if known else "not an option of trajplot."),
        code="unsupported_option" if known else "unknown_option", argument=word,
        way_out=instead.get(word.lower(), f"Options are {', '.join(NAMES)}."),
    )


def title(text: str) -> str:
    """The words of a title: without quotes, and without options after a comma where it is quoted."""
    found = re.match(r"\s*(?:`\"(.*?)\"'|\"([^\"]*)\")", text)
    return (found[1] or found[2] or "") if found else text.strip()


def numlist(text: str, option: str) -> tuple[float, ...] | None:
    """Stata's list of numbers for an axis, ``0(1)15``, ``1/5``, ``0 2 8``; None for a rule such as ``#5``."""
    unnamed = re.sub(r"\"[^\"]*\"", " ", text.partition(",")[0])
    words = re.sub(r"\s*([(/)])\s*", r"\1", unnamed).replace(")", ") ").split()
    found: list[float] = []
    number = r"[-+]?(?:\d+\.?\d*|\.\d+)"
    for word in words:
        if word.startswith("#"):
            return None
        step = re.fullmatch(rf"({number})\(({number})\)", word)
        if re.fullmatch(number, word):
            if found and _open(words, word):
                continue
            found.append(float(word))
        elif span := re.fullmatch(rf"({number})/({number})", word):
            found += np.arange(float(span[1]), float(span[2]) + 1e-9).tolist()
        elif step is not None and (last := _after(words, word)) is not None and float(step[2]):
            low, by = float(step[1]), float(step[2])
            count = int(np.floor((last - low) / by + 1e-9)) + 1
            found += [round(low + by * i, 12) for i in range(max(0, min(count, TICKS_MOST)))]
        else:
            raise CommandError(
                f"trajplot: {option}({text.strip()}): not a list of numbers.", code="bad_syntax", argument=option,
                way_out=f"For example {option}(0(1)15).",
            )
    return tuple(found) or None


def _after(words: list[str], word: str) -> float | None:
    """The end of ``0(1) 15``, which was cut in two."""
    at = words.index(word)
    try:
        return float(words[at + 1])
    except (IndexError, ValueError):
        return None


def _open(words: list[str], word: str) -> bool:
    """Whether the number is the end of a ``0(1)`` before it."""
    at = words.index(word)
    return at > 0 and words[at - 1].endswith(")")
