"""Which models a search considers: counted by combinatorics, refused by name."""

from __future__ import annotations

import itertools

import pytest

import gbtm
from gbtm.selection.candidates import Candidate, make_space
from gbtm.specification.spec import make_spec


def _space(groups=3, order=2, zero="common", family="normal", **kw):
    return make_space(make_spec(groups=1, order=kw.pop("shape", 0), family=family, **kw), groups, order, zero)


@pytest.mark.parametrize("family", ["normal", "poisson"])
@pytest.mark.parametrize("order", [0, 1, 3, [0, 2], [1, 3, 5], [-1, 0, 1], [-1, 1, 2, 3]])
def test_the_grid_is_every_multiset_of_orders(family, order):
    if family == "normal" and isinstance(order, list) and -1 in order:
        with pytest.raises(gbtm.SpecificationError, match="order"):
            _space(5, order, family=family)
        return
    space = _space(5, order, family=family)
    allowed = range(order + 1) if isinstance(order, int) else order
    total = 0
    for k in range(1, 6):
        every = {tuple(sorted(o, reverse=True)) for o in itertools.product(allowed, repeat=k)}
        every = {o for o in every if o.count(-1) <= 1 and max(o) >= 0}
        grid = space.grid(k)
        assert [c.n_groups for c in grid] == [k] * len(every)
        assert {c.orders for c in grid} == every
        total += len(every)
    assert space.grid_size() == total


def test_the_size_that_issue_and_docs_speak_of():
    assert _space(5, 3).grid_size() == 4 + 10 + 20 + 35 + 56


def test_reductions_reach_the_whole_grid_one_step_at_a_time():
    space = _space(4, [-1, 0, 2, 3], family="poisson")
    for k in (1, 3, 4):
        seen, now = {space.top(k)}, [space.top(k)]
        for step in itertools.count(1):
            now = [*dict.fromkeys(low for c in now for low in space.reductions(c))]
            if not now:
                break
            assert {space.steps(c) for c in now} == {step}
            seen |= set(now)
        assert seen == set(space.grid(k))


def test_labels_and_specifications():
    space = _space(3, 2, "order", "zip", iorder=0)
    candidate = Candidate(3, (2, 1, 0))
    assert space.label(candidate) == "3: 2 1 0 / 2 1 0"
    assert space.spec(candidate).outcomes[0].zero_orders == (2, 1, 0)
    own = _space(3, [-1, 0, 1, 2], "own", "zip", iorder=1)
    assert own.spec(Candidate(3, (2, 1, -1))).outcomes[0].zero_orders == (1, 1, -1)
    assert _space(3, 2, family="zip", iorder=1).label(candidate) == "3: 2 1 0 / 1"
    assert _space(3, 2).label(candidate) == "3: 2 1 0"
    basis = _space(2, None, basis="bs(t, df=4)", shape=None)
    assert basis.label(basis.top(2)) == "2: bs(t, df=4)"
    assert basis.grid(2) == [basis.top(2)]
    assert basis.reductions(basis.top(2)) == []
    assert basis.grid_size() == 2


def test_what_all_groups_share():
    space = _space(4, 1, family="normal", rorder=0, dropout=1, sigma_by_group=True)
    spec = space.spec(space.top(3))
    assert spec.dropout == (1, 1, 1)
    assert spec.outcomes[0].random_orders == (0, 0, 0)
    assert spec.outcomes[0].sigma_by_group


@pytest.mark.parametrize(
    ("groups", "want"), [(3, (1, 2, 3)), ([4, 2, 2], (2, 4)), (range(2, 5), (2, 3, 4)), (2.0, (1, 2))]
)
def test_groups(groups, want):
    assert _space(groups).groups == want


@pytest.mark.parametrize("groups", [0, -1, True, 2.5, "3", [], [0, 1], [1.5], None, 51])
def test_bad_groups(groups):
    with pytest.raises(gbtm.SpecificationError, match="groups") as caught:
        _space(groups)
    assert caught.value.argument == "groups"


@pytest.mark.parametrize("order", [6, -1, [0, 6], [-1], [], "two", [0.5], 2.5])
def test_bad_orders(order):
    with pytest.raises(gbtm.SpecificationError, match="order") as caught:
        _space(3, order, family="poisson")
    assert caught.value.argument == "order"


def test_other_bad_input():
    with pytest.raises(gbtm.SpecificationError, match="no zero part"):
        _space(zero="own")
    with pytest.raises(gbtm.SpecificationError, match="zero"):
        _space(zero="each", family="zip", iorder=0)
    with pytest.raises(gbtm.SpecificationError, match="basis formula"):
        _space(3, 2, basis="bs(t, df=4)", shape=None)
    with pytest.raises(gbtm.SpecificationError, match="one outcome and one group"):
        make_space(make_spec(groups=2, order=1, family="normal"), 3, 2)
