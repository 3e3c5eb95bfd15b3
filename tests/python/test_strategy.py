"""Which fits come next: pure functions of the fits that are there."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest

from gbtm.selection import strategy
from gbtm.selection.candidates import Candidate, make_space
from gbtm.selection.strategy import HOW, again_task, task_for, unconfirmed, violations, wanted
from gbtm.specification.spec import make_spec


@dataclass
class _Fit:
    """As much of a fit as the strategy asks for: any criterion is ``value``."""

    candidate: Candidate
    value: float = 0.0
    loglik: float = 0.0
    usable: bool = True

    @property
    def estimates(self):
        return SPACE.spec(self.candidate), np.zeros(1)


SPACE = make_space(make_spec(groups=1, order=0, family="normal"), 3, 2)


@pytest.fixture(autouse=True)
def _scores(monkeypatch):
    monkeypatch.setattr(strategy, "score", lambda fit, name: fit.value if fit.usable else float("inf"))


def _walk(how, value, space=SPACE):
    """All rounds of a search whose candidates have the criterion ``value(candidate)``."""
    fits, rounds = {}, []
    while True:
        now = wanted(space, how, "bic_subjects", fits)
        if not now:
            return rounds
        assert not set(now) & set(fits)
        assert len(set(now)) == len(now)
        rounds.append([c.orders for c in now])
        fits |= {c: _Fit(c, value(c)) for c in now}


TOPS = [[(2,)], [(2, 2)], [(2, 2, 2)]]


def test_groups_come_one_after_the_other():
    assert _walk("groups", lambda c: 0.0) == TOPS


@pytest.mark.parametrize("how", [h for h in HOW if h != "grid"])
def test_a_basis_leaves_only_the_number_of_groups(how):
    space = make_space(make_spec(groups=1, order=None, basis="bs(t)", family="normal"), [2, 4], None)
    assert _walk(how, lambda c: 0.0, space) == [[None], [None]]


def test_the_grid_goes_from_high_orders_to_low_and_is_complete():
    rounds = _walk("grid", lambda c: 0.0)
    assert rounds[:3] == TOPS
    steps = [{sum(2 - o for o in orders) for orders in r} for r in rounds[3:]]
    assert steps == [{n} for n in range(1, 7)]
    every = [tuple(sorted(o, reverse=True)) for k in (1, 2, 3) for o in itertools.product(range(3), repeat=k)]
    assert sorted(o for r in rounds for o in r) == sorted(set(every))


def test_backward_follows_the_best_and_stops_where_none_is_better():
    """Truth: two groups of orders 2 and 0."""
    def value(c):
        return 100 * abs(c.n_groups - 2) + sum(abs(a - b) for a, b in zip(c.orders, (2, 0), strict=False))

    rounds = _walk("two_stage", value)
    assert rounds == [*TOPS, [(2, 1)], [(1, 1), (2, 0)], [(1, 0)]]


def test_stepwise_lowers_every_number_of_groups_in_step():
    rounds = _walk("stepwise", lambda c: sum(c.orders))
    assert rounds[:3] == TOPS
    assert rounds[3] == [(1,), (2, 1), (2, 2, 1)]
    assert rounds[-1][-1] == (0, 0, 0)


def test_two_stages_take_all_that_come_near():
    near = {1: 50.0, 2: 5.9, 3: 0.0}
    rounds = _walk("two_stage", lambda c: near[c.n_groups] + 10 * (2 * c.n_groups - sum(c.orders)))
    assert rounds[3:] == [[(2, 1), (2, 2, 1)]]


def test_what_is_unusable_is_not_followed_but_stepped_over():
    fits = {SPACE.top(k): _Fit(SPACE.top(k), 10.0, usable=k != 2) for k in (1, 2, 3)}
    assert strategy.first_choices(SPACE, "bic_subjects", fits) == (1, 3)
    assert [c.orders for c in wanted(SPACE, "stepwise", "bic_subjects", fits)] == [(1,), (2, 1), (2, 2, 1)]
    fits |= {Candidate(k, o): _Fit(Candidate(k, o), 5.0, usable=False) for k, o in ((1, (1,)), (2, (2, 1)))}
    assert [c.orders for c in wanted(SPACE, "stepwise", "bic_subjects", fits)] == [(2, 2, 1)]


def test_where_a_fit_starts():
    fits = {SPACE.top(k): _Fit(SPACE.top(k)) for k in (1, 2)}
    assert task_for(SPACE, SPACE.top(1), {}, None, 10).smaller is None
    top = task_for(SPACE, SPACE.top(3), fits, None, 10)
    assert top.smaller[0] == SPACE.spec(SPACE.top(2))
    assert top.n_starts is None
    apart = task_for(SPACE, SPACE.top(3), {SPACE.top(1): fits[SPACE.top(1)]}, 7, 10)
    assert apart.smaller is None
    assert [spec for spec, _ in apart.below] == [SPACE.spec(SPACE.top(1))]
    low = task_for(SPACE, Candidate(2, (2, 1)), fits, None, 10)
    assert [spec for spec, _ in low.above] == [SPACE.spec(SPACE.top(2))]
    assert low.n_starts == 10
    fits[SPACE.top(2)].usable = False
    assert task_for(SPACE, Candidate(2, (2, 1)), fits, None, 10).above == ()
    assert task_for(SPACE, SPACE.top(3), fits, None, 10).below[0][0] == SPACE.spec(SPACE.top(1))


def test_violations_name_the_best_nested_model():
    loglik = {(2,): -50.0, (1,): -60.0, (2, 2): -50.5, (2, 1): -49.0, (0, 0): -40.0, (2, 2, 2): -49.5, (1, 1): -70.0}
    fits = {Candidate(len(o), o): _Fit(Candidate(len(o), o), loglik=v) for o, v in loglik.items()}
    found = {large.candidate.orders: small.candidate.orders for large, small in violations(SPACE, fits)}
    assert found == {(2, 2): (0, 0), (2, 1): (0, 0), (2, 2, 2): (0, 0), (1, 1): (0, 0)}
    fits[Candidate(2, (0, 0))].usable = False
    found = {large.candidate.orders: small.candidate.orders for large, small in violations(SPACE, fits)}
    assert found == {(2, 2): (2, 1), (2, 2, 2): (2, 1), (1, 1): (1,)}
    fits[SPACE.top(2)].usable = False
    assert SPACE.top(2) not in {large.candidate for large, _ in violations(SPACE, fits)}
    tiny = {c: _Fit(c, loglik=v) for c, v in ((SPACE.top(1), -5.0), (SPACE.top(2), -5.0 - 5e-7))}
    assert violations(SPACE, tiny) == []  # rounding


def test_a_second_time():
    fits = {SPACE.top(1): _Fit(SPACE.top(1)), SPACE.top(2): _Fit(SPACE.top(2))}
    first = task_for(SPACE, SPACE.top(2), fits, None, 10)
    task = again_task(first, fits[SPACE.top(2)], fits[SPACE.top(1)])
    assert task.again is not None
    assert task.smaller == first.smaller
    assert [spec for spec, _ in task.below] == [SPACE.spec(SPACE.top(1))]
    fits[SPACE.top(2)].usable = False
    assert again_task(first, fits[SPACE.top(2)], None).again is None


def test_chosen_models_of_lower_orders_are_confirmed_once():
    low = Candidate(2, (2, 1))
    fits = {SPACE.top(2): _Fit(SPACE.top(2), 5.0), low: _Fit(low, 4.0)}
    assert unconfirmed(SPACE, fits, set()) == [low]
    assert unconfirmed(SPACE, fits, {low}) == []
    fits[low].value = 6.0
    assert unconfirmed(SPACE, fits, set()) == []
    assert unconfirmed(SPACE, {}, set()) == []
