"""Stata traj's distal outcome: ``outcome() omodel() ocov() baseoutcome()`` and ``twostep``, read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import CommandError
from .faults import Faults
from .stata_options import DISTAL, OUTCOME_FAMILIES, Given

if TYPE_CHECKING:
    from .stata_varlist import StataColumns


@dataclass(frozen=True)
class DistalRequest:
    """A distal outcome that a command asks for.

    Attributes
    ----------
    outcome : its column
    family : here: "normal", "logit", "poisson", "nominal"
    covariates : ocov()
    base : baseoutcome(), the value that the other categories are compared with; None for the lowest
    two_step : the trajectories do not know of the outcome
    """

    outcome: str
    family: str
    covariates: tuple[str, ...] = ()
    base: float | None = None
    two_step: bool = False

    @property
    def columns(self) -> list[str]:
        return [self.outcome, *self.covariates]

    @property
    def formula(self) -> str:
        return " ~ ".join([f"`{self.outcome}`", " + ".join(["group", *(f"`{c}`" for c in self.covariates)])])


def read_distal(options: dict[str, Given], data: StataColumns, faults: Faults, start: int) -> DistalRequest | None:
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
    if "twostep" in options and family is not None and (family != "logit" or covariates):
        faults.add(CommandError(
            "twostep: read with omodel(logit) and without ocov() only.", code="unsupported_option", argument="twostep",
            way_out="Leave twostep out, or fit without outcome() and ask res.distal(.., method='two-step').",
        ), options["twostep"].start)
    if not names or family is None:
        return None
    return DistalRequest(names[0], family, covariates, base, "twostep" in options)


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
