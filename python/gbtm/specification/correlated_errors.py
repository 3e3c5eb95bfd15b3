"""What may be asked of errors that are correlated within a subject: AR(1), or random effects."""

from __future__ import annotations

from typing import Protocol, TypeVar

from ..errors import SpecificationError
from ..families import Family
from ..families.random_normal import EFFECTS
from .option_values import refuse_outside

MAX_RANDOM_ORDER = len(EFFECTS) - 1


class Correlated(Protocol):
    """What has to be known of an outcome: an :class:`~gbtm.specification.spec.OutcomeSpec`."""

    @property
    def family(self) -> str: ...
    @property
    def traits(self) -> Family: ...
    @property
    def ar1(self) -> bool: ...
    @property
    def rho_by_group(self) -> bool: ...
    @property
    def random_orders(self) -> tuple[int, ...] | None: ...
    @property
    def random_correlated(self) -> bool: ...
    @property
    def random_common(self) -> bool: ...


Spec = TypeVar("Spec", bound=Correlated)


def check_correlated_errors(spec: Correlated) -> None:
    """Raise where what is asked of AR(1) errors and random effects does not go together."""
    if spec.rho_by_group and not spec.ar1:
        raise SpecificationError(
            "rho_by_group: there is no rho without AR(1) errors.", code="bad_ar1", argument="rho_by_group",
            way_out="Give ar1=True too.",
        )
    if spec.ar1 and spec.random_orders is not None:
        raise SpecificationError(
            "rorder, ar1: both explain the correlation within a subject, and a few waves cannot tell them apart.",
            code="bad_rorder", argument="rorder", way_out="Choose one of them, for example by BIC.",
        )
    refuse_outside(spec.random_orders, -1, MAX_RANDOM_ORDER, "rorder", "bad_rorder", "",
                    "0: a random intercept; 1: a random slope too; 2: one of time^2 too; -1: none in that group.")


def check_random_effects(spec: Spec) -> Spec:
    """The outcome that a user asks for, refused where it says something of random effects that it does not have; a
    model with fewer groups may have lost them."""
    highest = max(spec.random_orders, default=-1) if spec.random_orders is not None else -1
    if spec.random_correlated and highest < 1:
        raise SpecificationError(
            "rcorr: no group has two random effects that could be correlated.", code="bad_rorder",
            argument="rcorr", way_out="Give rorder=1 too, a random intercept and slope.",
        )
    if spec.random_common and highest < 0:
        raise SpecificationError(
            "rcommon: there are no random effects without an rorder of 0, 1 or 2.", code="bad_rorder",
            argument="rcommon", way_out="Give rorder=0, rorder=1 or rorder=2 too.",
        )
    return spec
