"""A traj command of several outcomes, ``var1() .. var2() ..``, as a command for each, with what all of them share.

With ``multgroups()`` the outcomes share their groups; without it each of two has its own: a dual model.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import CommandError
from ..families import FAMILIES
from .faults import Faults
from .stata_options import DISTAL, Given

MOST = 6  # outcomes in traj
OF_ALL = {"sigmabygroup": "has_sigma", "ar1": "may_correlate", "rhobygroup": "may_correlate"}  # flag -> who may have it
OF_THE_WHOLE = ("weight", "refgroup")  # what has a number in traj too, but is one thing for outcomes that share groups
NOT_HERE = {
    "risk": "Use multrisk(): there is one set of groups.", "dropout": "Leave it out: traj too has it with one outcome.",
    "dcov": "It goes with dropout(), which several outcomes do not have.",
    "obsmar": "It goes with dropout(), which several outcomes do not have.",
    "plottcov": "Ask predict() for curves at other values.",
}


def options_of_each(by_outcome: Mapping[int, Mapping[str, Given]], faults: Faults) -> list[dict[str, Given]]:
    """The options of each outcome's command, those of the whole model included; faults are noted.

    ``by_outcome`` has what is written of each outcome; what is of the whole model stands with the first. Empty where
    the outcomes make no model.
    """
    first = by_outcome[1]
    place = min(g.start for m, options in by_outcome.items() if m > 1 for g in options.values())
    for number, options in by_outcome.items():
        for name in (n for n in DISTAL if n in options):
            faults.add(CommandError(
                f"{name}{number}(): traj has a distal outcome of several trajectories, this version of one.",
                code="unsupported_option", argument=name,
                way_out="Leave it out, and ask res.distal() how the groups differ in it.",
            ), options[name].start)
    if "multgroups" not in first:
        return _of_a_dual(by_outcome, faults, place)
    wrong = [m for m in by_outcome if m > MOST or (m > 1 and m - 1 not in by_outcome)]
    if wrong:
        faults.add(CommandError(
            f"var{min(wrong)}(): outcomes are numbered from 1 to {MOST} without a gap.", code="bad_syntax",
            argument=f"var{min(wrong)}", way_out="Number them anew.",
        ), place)
        return []
    for number, options in by_outcome.items():
        for name in (n for n in OF_THE_WHOLE if number > 1 and n in options):
            faults.add(CommandError(
                f"{name}{number}(): the outcomes share people and groups, so that it is given once.", code="bad_syntax",
                argument=f"{name}{number}", way_out=f"Write {name}().",
            ), options[name].start)
        for name in NOT_HERE.keys() & options.keys():
            faults.add(CommandError(
                f"{name}(): not with multgroups().", code="bad_syntax", argument=name, way_out=NOT_HERE[name],
            ), options[name].start)
    return [_own(by_outcome[m], first) for m in sorted(by_outcome)]


def _of_a_dual(
    by_outcome: Mapping[int, Mapping[str, Given]], faults: Faults, place: int
) -> list[dict[str, Given]]:
    """The options of each of two outcomes with groups of their own: traj's joint model."""
    first = by_outcome[1]
    if sorted(by_outcome) != [1, 2]:
        faults.add(CommandError(
            f"{max(by_outcome)} outcomes without multgroups(): the joint model, in which each outcome has groups of "
            "its own, has two.", code="bad_syntax", argument="multgroups",
            way_out="With multgroups() the outcomes share their groups.",
        ), place)
        return []
    second = by_outcome[2]
    for name in ("weight", "dropout", "dcov", "obsmar"):
        if name in second:
            faults.add(CommandError(
                f"{name}2(): belongs to the model as a whole, or to its first outcome.", code="bad_syntax",
                argument=f"{name}2", way_out=f"Write {name}().",
            ), second[name].start)
    if "multrisk" in first:
        faults.add(CommandError(
            "multrisk(): goes with multgroups().", code="bad_syntax", argument="multrisk",
            way_out="In a joint model risk1() and risk2() are of each outcome's groups.",
        ), first["multrisk"].start)
    return [_with_shared(by_outcome[m], first) for m in (1, 2)]


def _with_shared(options: Mapping[str, Given], first: Mapping[str, Given]) -> dict[str, Given]:
    """An outcome's options with those of all that its family may have."""
    given = options.get("model")
    family = FAMILIES.get(given.text.strip().lower()) if given is not None else None
    shared = {n: first[n] for n, trait in OF_ALL.items() if n in first and (family is None or getattr(family, trait))}
    return {**{n: g for n, g in options.items() if n not in OF_ALL}, **shared}


def _own(options: Mapping[str, Given], first: Mapping[str, Given]) -> dict[str, Given]:
    """An outcome's options with those of all that its model may have, and the number of groups."""
    own = {n: g for n, g in _with_shared(options, first).items() if n not in NOT_HERE}
    return {**own, "multgroups": first["multgroups"]}
