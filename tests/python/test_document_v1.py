"""Documents of version 1 say what they said to the code that wrote them; ``tests/documents/make_v1.py`` tells how."""

from __future__ import annotations

import json
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import norm

import gbtm
from conftest import ROOT

FOLDER = ROOT / "tests" / "documents" / "v1"
NAMES = sorted(p.name.removesuffix(".answers.json") for p in FOLDER.glob("*.answers.json") if "search" not in p.name)


def _load(name: str) -> tuple[gbtm.GBTMResults, dict]:
    res = gbtm.load(FOLDER / f"{name}.json", trust_formula=name in ("basis", "undetermined"))
    return res, json.loads((FOLDER / f"{name}.answers.json").read_text(encoding="utf-8"))


def _same_table(table: pd.DataFrame, stored: dict, exact: bool = False) -> None:
    assert [str(c) for c in table] == list(stored)
    for column, values in stored.items():
        if all(v is None or isinstance(v, float) for v in values):
            wanted = np.array([np.nan if v is None else v for v in values])
            np.testing.assert_allclose(table[column].to_numpy(float), wanted, rtol=0 if exact else 1e-9, atol=1e-12)
        else:
            assert table[column].tolist() == values, column


def test_there_are_documents_of_many_kinds():
    assert len(NAMES) == 13
    assert all(json.loads((FOLDER / f"{n}.json").read_text())["format_version"] == 1 for n in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_estimates_and_posteriors_are_the_same_to_the_last_bit(name):
    res, said = _load(name)
    assert list(res.params.index) == said["names"]
    assert res.params.tolist() == said["params"]
    assert [None if np.isnan(v) else v for v in res.bse] == said["bse"]
    assert [res.llf, res.nobs, res.aic, res.bic] == [said[k] for k in ("llf", "nobs", "aic", "bic")]
    assert list(res.ids) == said["ids"]
    assert res.posterior.to_numpy()[:5].tolist() == said["posterior"]
    assert res.assignment.tolist() == said["assignment"]
    assert res.out_of_sample.to_numpy().tolist() == said["out_of_sample"]
    assert res.warnings == said["warnings"]
    np.testing.assert_allclose(res.criteria.to_numpy().ravel(), said["criteria"], rtol=1e-13)
    _same_table(res.group_shares, said["shares"])


def _limits_by_logit(curves: dict) -> dict:
    """What version 1 wrote were limits on the mean's own scale, from the same estimates and standard errors."""
    p, se = (np.array(curves[c], dtype=float) for c in ("estimate", "std err"))
    reach = norm.ppf(0.975) * se / (p * (1 - p))
    limits = {"lower": expit(logit(p) - reach), "upper": expit(logit(p) + reach)}
    return {name: [None if np.isnan(v) else float(v) for v in values] for name, values in limits.items()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # a variance that the data do not determine
def test_curves_and_means_are_the_same(name):
    res, said = _load(name)
    curves = said["curves"]
    if res.family in ("beta", "logit"):
        curves = {**curves, **_limits_by_logit(curves)}
    _same_table(res.predict(said["at"]).drop(columns="outside"), curves)  # a column that version 1 had not
    _same_table(res.observed_means, said["observed_means"])
    np.testing.assert_allclose(res.fittedvalues, said["fittedvalues"], rtol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_new_people_are_classified_alike(name):
    res, said = _load(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        scored = res.classify(pd.DataFrame(said["new"]))
    _same_table(scored, said["classified"])


def _numbers(text: str) -> list[str]:
    """What is printed, without the words, which may be put better."""
    return re.findall(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?", text)


@pytest.mark.parametrize("name", NAMES)
def test_the_printed_numbers_are_the_same(name):
    res, said = _load(name)
    assert _numbers(str(res.summary())) == _numbers(said["summary"])
    assert res.to_traj().text == said["traj"]
    _same_table(res.start_report.reset_index(), said["starts"], exact=True)
    assert res.start_report.attrs["sentence"] == said["sentence"]


def test_a_search_says_what_it_said():
    said = json.loads((FOLDER / "search.answers.json").read_text(encoding="utf-8"))
    found = gbtm.load_search(FOLDER / "search.json")
    _same_table(found.table.reset_index(), said["table"])
    assert {str(k): str(v) for k, v in found.choices.items()} == said["choices"]
    assert found.sentences == said["sentences"]
    assert _numbers(found.summary()) == _numbers(said["summary"])
    best = found.best()
    assert best.params.tolist() == said["params"]
    assert best.posterior.to_numpy()[:5].tolist() == said["posterior"]
    _same_table(best.predict([0.0, 2.0, 4.0]).drop(columns="outside"), said["curves"])
