"""The specification: every refusal, and what it accepts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gbtm import SpecificationError
from gbtm.specification.option_values import as_orders, per_group
from gbtm.specification.outcome_spec import OutcomeSpec
from gbtm.specification.spec import ModelSpec, make_spec

GOOD = {"groups": 2, "order": 2, "family": "normal"}


@pytest.mark.parametrize(
    ("change", "code", "argument"),
    [
        ({"family": "weibull"}, "unknown_family", "family"),
        ({"order": 6}, "bad_order", "order"),
        ({"order": -1}, "bad_order", "order"),
        ({"order": -2, "family": "poisson"}, "bad_order", "order"),
        ({"order": 1.5}, "bad_order", "order"),
        ({"order": "two"}, "bad_order", "order"),
        ({"order": [1, None]}, "bad_order", "order"),
        ({"order": [1, 2, 3]}, "order_length", "order"),
        ({"order": []}, "order_length", "order"),
        ({"order": 2, "basis": "bs(t, df=4)"}, "order_or_basis", "order"),
        ({"groups": 0}, "bad_groups", "groups"),
        ({"groups": -1}, "bad_groups", "groups"),
        ({"groups": 2.5}, "bad_groups", "groups"),
        ({"groups": True}, "bad_groups", "groups"),
        ({"groups": "3"}, "bad_groups", "groups"),
        ({"iorder": 1}, "bad_iorder", "iorder"),
        ({"iorder": 1, "family": "poisson"}, "bad_iorder", "iorder"),
        ({"iorder": 6, "family": "zip"}, "bad_iorder", "iorder"),
        ({"iorder": -2, "family": "zip"}, "bad_iorder", "iorder"),
        ({"iorder": -1, "family": "zip"}, "bad_iorder", "iorder"),
        ({"iorder": [-1, -1], "family": "zip"}, "bad_iorder", "iorder"),
        ({"iorder": [0, 0, 0], "family": "zip"}, "order_length", "iorder"),
        ({"iorder": 0.5, "family": "zip"}, "bad_order", "iorder"),
        ({"min": 0}, "bad_bounds", "min"),
        ({"max": 1, "family": "logit"}, "bad_bounds", "max"),
        ({"min": 3, "max": 3, "family": "cnorm"}, "bad_bounds", "min"),
        ({"min": 4, "max": 3, "family": "cnorm"}, "bad_bounds", "min"),
        ({"sigma_by_group": True, "family": "zip"}, "bad_sigma", "sigma_by_group"),
        ({"sigma_by_group": True, "family": "logit"}, "bad_sigma", "sigma_by_group"),
    ],
)
def test_refusals(change, code, argument):
    with pytest.raises(SpecificationError) as caught:
        make_spec(**{**GOOD, **change})
    assert caught.value.code == code
    assert caught.value.argument == argument
    assert argument in caught.value.message
    assert caught.value.way_out


def test_one_order_serves_all_groups():
    assert make_spec(groups=3, order=2, family="normal").outcomes[0].orders == (2, 2, 2)
    assert make_spec(groups=3, order=[0, 1, 2], family="normal").outcomes[0].orders == (0, 1, 2)
    assert make_spec(groups=3.0, order=(1,), family="logit").n_groups == 3


def test_zip_defaults_to_one_common_constant():
    spec = make_spec(groups=3, order=1, family="zip").outcomes[0]
    assert spec.zero_orders == (0,)
    assert spec.zero_common
    assert not make_spec(groups=2, order=1, family="zip", iorder=[0, 0]).outcomes[0].zero_common


@pytest.mark.parametrize("bound", [None, float("-inf")])
def test_infinite_bounds_are_no_bounds(bound):
    assert make_spec(groups=1, order=0, family="cnorm", min=bound, max=3).outcomes[0].lower is None


def test_order_minus_one_is_for_counts():
    assert make_spec(groups=2, order=[-1, 1], family="poisson").outcomes[0].orders == (-1, 1)


def test_group_key_tells_exchangeable_groups():
    spec = make_spec(groups=3, order=[1, 2, 1], family="zip", iorder=[0, 0, 0])
    assert spec.group_key(0) == spec.group_key(2) != spec.group_key(1)
    spec = make_spec(groups=3, order=1, family="zip", iorder=[0, 0, 1])
    assert spec.group_key(0) == spec.group_key(1) != spec.group_key(2)
    spec = make_spec(groups=2, order=1, family="zip", iorder=1)
    assert spec.group_key(0) == spec.group_key(1)


def test_model_spec_checks_the_number_of_groups_itself():
    with pytest.raises(SpecificationError, match="groups"):
        ModelSpec(0, (OutcomeSpec("normal", (1,)),))


def test_specs_are_frozen():
    with pytest.raises(AttributeError):
        make_spec(**GOOD).n_groups = 3  # type: ignore[misc]


def test_per_group_and_as_orders():
    assert per_group(2, 3, "order") == (2, 2, 2)
    assert per_group([1, 2], 2, "order") == (1, 2)
    assert as_orders(2.0, "order") == (2,)


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"groups": float("nan")}, "groups"), ({"groups": float("inf")}, "groups"), ({"groups": None}, "groups"),
        ({"order": float("inf")}, "order"), ({"order": float("nan")}, "order"),
        ({"min": "low", "family": "cnorm"}, "min"), ({"min": float("nan"), "family": "cnorm"}, "min"),
        ({"max": "high", "family": "cnorm"}, "max"), ({"family": None}, "family"),
    ],
)
def test_what_is_no_number_at_all_is_refused_by_name(change, argument):
    with pytest.raises(SpecificationError) as caught:
        make_spec(**{**GOOD, **change})
    assert caught.value.argument == argument


@pytest.mark.parametrize("groups", [1, 2])
def test_every_group_of_order_minus_one_is_no_model(groups):
    """No parameter is left but the shares, and any positive count is impossible."""
    with pytest.raises(SpecificationError, match="order") as caught:
        make_spec(groups=groups, order=-1, family="poisson")
    assert caught.value.code == "bad_order"


@pytest.mark.parametrize("value", [
    {1: 2, 2: 1}, {2: 0}, {1, 2}, frozenset([0]), pd.Series({2: 1, 1: 2}), pd.Series([1, 2], index=["low", "high"]),
    pd.Series([1, 2], index=[5, 6]),
])
@pytest.mark.parametrize("argument", ["order", "iorder"])
def test_orders_that_do_not_say_whose_they_are(argument, value):
    """The keys of ``{1: 2, 2: 1}`` were taken for the orders, and a Series' labels were dropped."""
    with pytest.raises(SpecificationError, match="does not say which value is of which group") as caught:
        make_spec(**{**GOOD, "family": "zip", argument: value})
    assert (caught.value.code, caught.value.argument) == ("bad_order", argument)


@pytest.mark.parametrize("value", [
    [1, 2], (1, 2), range(1, 3), np.array([1.0, 2.0]), pd.Series([1, 2]), pd.Series([1, 2], index=[1, 2]),
    pd.Index([1, 2]), iter([1, 2]),
])
def test_orders_in_the_order_of_the_groups(value):
    assert as_orders(value, "order") == (1, 2)


def test_constraints_may_stand_in_any_list():
    for kind in (list, tuple, np.array, pd.Series):
        assert make_spec(**GOOD, constraints=kind(["t[1] = 0"])).constraints == ("t[1] = 0",)
