"""Columns with a part of their own are no covariates, and names of several columns are refused at every door."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import event_data as hand
import gbtm
from gbtm.errors import DataError, SpecificationError

DATA = hand.people(60).assign(w=lambda d: np.cos(d.t * d.id), c=lambda d: (d.y > 1) * 2 + (d.y > 2))
EVENT = gbtm.Event("T", "d")


def model(data=DATA, formula="y ~ t", **options):
    return gbtm.GBTM.from_formula(formula, data, id="id", **({"groups": 2, "order": 1} | options))


@pytest.mark.parametrize(("given", "argument"), [
    ({"tcov": ["w", "y"]}, "tcov"), ({"tcov": "~ w + I(y ** 2)"}, "tcov"), ({"common": "y"}, "common"),
    ({"tcov": "w", "common": "~ np.exp(y)"}, "common"),
])
def test_an_outcome_does_not_explain_itself(given, argument):
    """Of a normal outcome sigma would collapse, of counts the fit would look perfect without a word."""
    with pytest.raises(SpecificationError, match="is the outcome itself") as caught:
        model(**given)
    assert (caught.value.code, caught.value.argument) == ("own_covariate", argument)


def test_its_lags_do_and_so_does_another_outcome():
    assert "lag(y)" in model(tcov="~ w + lag(y)").panel.outcomes[0].covariate_names
    both = gbtm.GBTM.from_formula(
        [gbtm.Outcome("y ~ t", order=1, tcov="c"), gbtm.Outcome("c ~ t", order=1, family="poisson")],
        DATA, id="id", groups=2)
    assert both.panel.outcomes[0].covariate_names == ("c",)
    with pytest.raises(SpecificationError, match="c is the outcome itself"):
        gbtm.GBTM.from_formula(
            ["y ~ t", gbtm.Outcome("c ~ t", family="poisson", tcov="c")], DATA, id="id", groups=2, order=1)


@pytest.mark.parametrize("event", [
    gbtm.Event("T", "d", covariates="~ sex + T"), gbtm.Event("T", "d", covariates=["d"]),
    gbtm.Event("low", upper="high", covariates="~ np.log(high)"),
])
def test_an_event_is_not_explained_by_its_own_time(event):
    with pytest.raises(SpecificationError, match="says when the event was") as caught:
        model(event=event)
    assert caught.value.code == "own_covariate"


@pytest.mark.parametrize(("column", "formula", "options"), [
    ("t", "y ~ I(t - 2)", {}), ("t", "y ~ ns(t, df=2)", {"order": None}), ("y", "y ~ t", {}),
    ("w", "y ~ t", {"tcov": ["w"]}),
    ("w", "y ~ t", {"common": "~ w"}), ("sex", "y ~ t", {"risk": ["sex"]}), ("sex", "y ~ t", {"risk": "~ C(sex)"}),
    ("T", "y ~ t", {"event": EVENT}), ("sex", "y ~ t", {"event": gbtm.Event("T", "d", covariates="~ sex")}),
])
def test_a_name_of_two_columns_is_refused(column, formula, options):
    twice = pd.concat([DATA, DATA[[column]] + 1], axis=1)
    with pytest.raises(DataError, match=f"{column}: 2 columns have this name") as caught:
        model(twice, formula, **options)
    assert caught.value.code == "duplicate_column"


def test_two_columns_that_nobody_asks_for_are_let_be():
    twice = pd.concat([DATA, DATA[["z"]]], axis=1)
    assert model(twice, tcov="w").panel.n_subjects == model(tcov="w").panel.n_subjects
