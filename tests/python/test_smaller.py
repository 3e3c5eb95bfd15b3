"""Which model is inside which: by looking at orders."""

import pytest

import gbtm
from gbtm.resampling.smaller import inside, with_groups, without_one
from gbtm.specification.first_groups import first_groups
from gbtm.specification.spec import make_spec


def spec(order, family="normal", **more):
    return make_spec(groups=len(order), order=list(order), family=family, **more)


def test_with_groups_is_first_groups_where_these_are_first():
    whole = spec((1, 2, 0), "zip", iorder=[0, -1, 1], refgroup=2)
    assert with_groups(whole, [0, 1]) == first_groups(whole, 2)
    moved = with_groups(whole, [2, 0])
    assert moved.outcomes[0].orders == (0, 1)
    assert moved.outcomes[0].zero_orders == (1, 0)
    assert moved.reference == 0
    assert with_groups(whole, [0, 1, 2, 2]).outcomes[0].orders == (1, 2, 0, 0)


def test_the_last_group_is_left_out_if_the_others_can_do_without():
    assert without_one(spec((1, 2, 3))) == [0, 1]
    assert without_one(spec((-1, 1), "poisson")) == [1]
    assert without_one(spec((0, 1), "zip", iorder=[-1, 0])) == [1]
    with pytest.raises(gbtm.SpecificationError, match="no group can be left out"):
        without_one(spec((1,)))


@pytest.mark.parametrize(("less", "larger", "found"), [
    ((2,), (1, 2), [1]), ((1, 2), (2, 2, 1), [2, 0]), ((2, 1), (1, 2, 0), [1, 0]), ((3,), (1, 2), None),
    ((1, 1), (1, 0, 0), None), ((0, 0), (2, 0, 0), [1, 2]),
])
def test_inside(less, larger, found):
    got = inside(spec(less), spec(larger))
    assert (got is None) == (found is None)
    if found is not None:
        assert sorted(got) == sorted(found)
        assert all(spec(larger).outcomes[0].orders[g] >= o for g, o in zip(got, less))


def test_a_group_that_never_happens_has_no_room_for_another():
    assert inside(spec((0,), "poisson"), spec((-1, 0), "poisson")) == [1]
    assert inside(spec((-1, 1), "poisson"), spec((0, 1, 1), "poisson")) is None


def test_groups_of_other_dropout_orders_are_not_inside():
    two = spec((1, 1), dropout=[0, 1])
    assert inside(spec((1,), dropout=[1]), two) == [1]
    assert inside(spec((1,), dropout=[2]), two) is None
    assert inside(spec((1,)), two) is None
    assert inside(spec((1,)), spec((1, 1), dropout=[-1, 1])) == [0]


def test_other_frames_are_not_inside():
    assert inside(spec((1,)), spec((1, 1), sigma_by_group=True)) is None
    assert inside(spec((1,), "poisson"), spec((1, 1), "negbin")) is None
    assert inside(spec((1,), "zip", iorder=0), spec((1, 1), "zip", iorder=1)) is None
    assert inside(spec((1,), "zip", iorder=[0]), spec((1, 1), "zip", iorder=[0])) == [0]
