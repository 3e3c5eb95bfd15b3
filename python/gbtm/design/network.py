"""Curves that a small network makes of time: what is asked for, without data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..checks import is_count
from ..errors import SpecificationError

UNITS_MOST = 10  # beyond which curves of a few dozen times follow the noise, and no optimum is found twice
WAY_OUT = "Give the number of hidden units: curve=gbtm.Network(3)."


@dataclass(frozen=True)
class Network:
    """Curves of a network with one hidden layer: eta_k(a) = a_k + sum_h b_kh tanh(w_h a + c_h).

    The hidden units, w and c, are the same for all groups; each group has its own a and b. A unit is a step: it turns
    at the time -c/w and takes about 2/w to do so. With three of them a group has four coefficients, as with a cubic.

    Parameters
    ----------
    units : number of hidden units H, 1 to 10

    Raises
    ------
    SpecificationError
        ``bad_curve`` for another number.

    Examples
    --------
    >>> import gbtm
    >>> gbtm.Network(3)
    Network(units=3)
    """

    units: int = 3

    def __post_init__(self) -> None:
        if not is_count(self.units) or self.units > UNITS_MOST:
            raise SpecificationError(
                f"curve: {self.units!r} is not a number of hidden units, 1 to {UNITS_MOST}.", code="bad_curve",
                argument="curve", way_out=WAY_OUT,
            )
        object.__setattr__(self, "units", int(self.units))

    @property
    def words(self) -> str:
        """For a sentence."""
        return f"a network of {self.units} hidden unit{'' if self.units == 1 else 's'} of time"

    @property
    def n_parameters(self) -> int:
        """Parameters of the hidden units, which the groups share."""
        return 2 * self.units


def as_network(value: Any, argument: str) -> Network:
    """A network as users write it, or as it is stored."""
    if isinstance(value, Network):
        return value
    if isinstance(value, Mapping) and set(value) == {"units"}:
        return Network(value["units"])
    raise SpecificationError(
        f"{argument}: {value!r} is no network.", code="bad_curve", argument=argument, way_out=WAY_OUT,
    )
