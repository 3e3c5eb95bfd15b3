"""Stata traj's distal outcome: ``outcome() omodel() ocov() baseoutcome()`` and ``twostep``, read and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import CommandError
from ..specification.description import OUTCOME_FAMILIES, DistalOutcome
from .faults import Faults
from .stata_options import DISTAL, Given

if TYPE_CHECKING:
    from .stata_varlist import StataColumns


def read_distal(options: dict[str, Given], data: StataColumns, faults: Faults, start: int) -> DistalOutcome | None:
    """What the options of one command say of a distal outcome; faults are noted."""
    given = {name: options[name] for name in DISTAL if name in options}
    if "outcome" not in given:
        for name, one in given.items():
            faults.add(CommandError(f"{name}(): goes with outcome().", code="missing_option", argument="outcome",
                                    way_out=f"Give outcome(), or leave {name}() out."), one.start)
        return None
    names: tuple[str, ...] = ()
    with faults.at(given["outcome"].start):
        names = data.expand(given["outcome"].text, "outcome")
        if len(names) != 1:
            raise CommandError(f"outcome(): {len(names)} variables.", code="bad_syntax", argument="outcome",
                               way_out="Name one variable.")
    family = _family(given, faults, start)
    covariates: tuple[str, ...] = ()
    if "ocov" in given:
        with faults.at(given["ocov"].start):
            covariates = data.expand(given["ocov"].text, "ocov")
    base = _base(given, family, faults)
    two_step = "twostep" in options
    if two_step and family is not None and (family != "logit" or covariates):
        two_step = False
        faults.add(CommandError(
            "twostep: read with omodel(logit) and without ocov() only.", code="unsupported_option", argument="twostep",
            way_out="Leave twostep out, or fit without outcome() and ask res.distal(.., method='two-step').",
        ), options["twostep"].start)
    if not names or family is None:
        return None
    word = given["omodel"].text.strip().lower()
    return DistalOutcome(outcome=names[0], omodel=word, ocov=covariates, baseoutcome=base, twostep=two_step)


def _family(given: dict[str, Given], faults: Faults, start: int) -> str | None:
    if "omodel" not in given:
        faults.add(CommandError(
            "omodel(): missing.", code="missing_option", argument="omodel",
            way_out=f"outcome() goes with omodel(): {', '.join(OUTCOME_FAMILIES)}.",
        ), start)
        return None
    word = given["omodel"].text.strip().lower()
    if word not in OUTCOME_FAMILIES:
        faults.add(CommandError(
            f"omodel({word}): not available.", code="unknown_model", argument="omodel",
            way_out=f"Use one of {', '.join(OUTCOME_FAMILIES)}.",
        ), given["omodel"].start)
    return OUTCOME_FAMILIES.get(word)


def _base(given: dict[str, Given], family: str | None, faults: Faults) -> float | None:
    if "baseoutcome" not in given:
        return None
    with faults.at(given["baseoutcome"].start):
        if family not in ("nominal", None):
            raise CommandError("baseoutcome(): goes with omodel(mlogit).", code="bad_syntax", argument="baseoutcome",
                               way_out="Leave it out.")
        try:
            return float(given["baseoutcome"].text)
        except ValueError:
            raise CommandError(
                f"baseoutcome({given['baseoutcome'].text}): not a number.", code="bad_syntax", argument="baseoutcome",
                way_out="Give the value of the category that the others are compared with.",
            ) from None
    return None
