"""A call is held to the signature; what goes wrong behind it has a name, and the user's own errors are his."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from gbtm.arguments import checked
from gbtm.errors import InternalError, MissingArgumentError, SpecificationError, UnknownArgumentError


@checked
def door(n: int, level: float | None = 0.95, groups: Sequence[int] | None = None, how: str = "a", f=None) -> object:
    return n if f is None else f()


@pytest.mark.parametrize(
    ("given", "argument"),
    [({"n": 1.5}, "n"), ({"n": True}, "n"), ({"n": 1, "level": "x"}, "level"), ({"n": 1, "groups": ["a"]}, "groups"),
     ({"n": 1, "groups": np.zeros((2, 2))}, "groups"), ({"n": 1, "how": 3}, "how")],
)
def test_a_wrong_kind_is_refused_by_name(given, argument):
    with pytest.raises(SpecificationError) as error:
        door(**given)
    assert (error.value.argument, error.value.code) == (argument, f"bad_{argument}")


def test_right_kinds_pass():
    assert door(np.int64(2), None, [1, 2], "b") == 2
    assert door(2, np.float64(0.5), np.array([1.0, 2.0])) == 2


def test_calls_that_python_refuses():
    with pytest.raises(MissingArgumentError, match="n"):
        door()
    with pytest.raises(UnknownArgumentError, match="It is called level here"):
        door(1, levels=0.5)


def test_a_breakdown_has_a_name(monkeypatch):
    with pytest.raises(np.linalg.LinAlgError):  # of the user's own function: his
        checked(_singular)()
    monkeypatch.setattr("gbtm.arguments.HERE", str(Path(__file__).parent))
    with pytest.raises(InternalError) as error:
        checked(_singular)()
    assert error.value.code == "breakdown"
    assert isinstance(error.value.__cause__, np.linalg.LinAlgError)


def _singular() -> None:
    raise np.linalg.LinAlgError("Singular matrix")
