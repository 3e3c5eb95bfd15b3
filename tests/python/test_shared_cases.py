"""What R computes without Python: the cases of tests/shared, which the R tests read too, and their age."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm.figures.drawn import evenly, means, subject_lines
from gbtm.fit.make_document import FORMAT_VERSION
from gbtm.fit.scoring import classify

SHARED = Path(__file__).resolve().parents[1] / "shared"
FITS = sorted(path.stem for path in (SHARED / "fits").glob("*.json"))
AGREE = 1e-10
ROUNDING = {"mismatch": 1e-15}  # of a difference of two shares
ONLY_R = {"likelihood_ratio"}


def cases_of(name: str) -> list[dict[str, Any]]:
    return json.loads((SHARED / "cases" / f"{name}.json").read_text(encoding="utf-8"))


def load(name: str) -> gbtm.GBTMResults:
    return gbtm.load(SHARED / "fits" / f"{name}.json")


def estimates(res, level):
    ends = res.conf_int(1 - level)
    return {"estimate": res.params, "se": res.bse, "z": res.tvalues, "p": res.pvalues, "lower": ends[0],
            "upper": ends[1]}


def criteria(res):
    found = {f"{name}_{n}": res.criteria[n][name] for n in res.criteria for name in res.criteria.index}
    found |= {f"traj_bic_{n}": res.criteria[n]["traj_bic"] for n in res.criteria}
    return found | {
        "loglik": res.llf, "parameters": res.df_model, "aic": res.aic, "entropy": res.entropy,
        "traj_aic": res.criteria["subjects"]["traj_aic"],
    }


def group_shares(res):
    return res.group_shares.rename(columns={"std err": "se"})


def observed_means(res):
    return res.observed_means.rename(columns={res.time_name: "time"})


def drawn_means(res):
    each = [means(res, g) for g in res.group_names]
    found = {name: np.concatenate([getattr(m, name) for m in each]) for name in ("time", "mean", "weight")}
    return found | {"group": np.repeat(res.group_names, [m.time.size for m in each])}


def drawn_lines(res, most):
    of_groups = [evenly(np.flatnonzero(res.assignment.to_numpy() == g), most) for g in res.group_names]
    subject = [i for chosen in of_groups for i in chosen]
    lines = [subject_lines(res, np.array([i]), jitter=True)[0] for i in subject]
    return {"subject": np.repeat(np.array(subject) + 1, [len(x) for x in lines]),
            "y": np.concatenate([x[:, 1] for x in lines])}


def adequacy(res):
    return res.adequacy


def fitted(res):
    return {"fitted": res.fittedvalues}


def curve(res, level, times=None, tcov=None):
    return res.predict(times, level=level, tcov=tcov).rename(columns={"std err": "se"})


def joint(test):
    return {"statistic": test.statistic, "df": test.df, "p": test.pvalue}


def equal_curves(res, groups=None, include_intercept=True):
    return joint(res.equal_curves(groups, include_intercept=include_intercept))


def odds_ratios(res, level):
    table = res.odds_ratios(level).rename(columns={"std err": "se", "P>|z|": "p"})
    return {**table.to_dict("list"), "reference": table.attrs["reference"]}


def wald(res, hypotheses=None, matrix=None, value=None, df=None, f=False):
    return joint(res.wald_test(hypotheses if matrix is None else (matrix, value), use_f=f, df=df))


def wald_nonlinear(res, function, value=0.0, df=None):
    return joint(res.wald_test_nonlinear(function, value, df=df))


def delta(res, function, level):
    found = res.delta(function)
    ends = found.conf_int(1 - level)
    return {"estimate": found.estimate, "se": found.bse, "lower": ends[0], "upper": ends[1]}


def posterior(res, newdata):
    table = classify(res, pd.DataFrame(newdata).astype({"y": float}))
    return {f"group_{g}": own["probability"] for g, own in table.groupby("group")}


COMPUTED = {
    f.__name__: f for f in (
        estimates, criteria, group_shares, observed_means, drawn_means, drawn_lines, adequacy, fitted, curve,
        equal_curves, odds_ratios, wald, wald_nonlinear, delta, posterior,
    )
}


def compute(res, case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return COMPUTED[case["what"]](res, **case["arguments"])


def differences(found, expected) -> list[str]:
    """The names whose numbers are not the same to ten digits; a number that there is not is so in both."""
    wrong = []
    for name, values in expected.items():
        ours, theirs = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (found[name], values))
        near = dict(rtol=AGREE, atol=ROUNDING.get(name, 0), equal_nan=True)
        if ours.shape != theirs.shape or not np.allclose(ours, theirs, **near):
            wrong.append(f"{name}: {ours} instead of {theirs}")
    return wrong


@pytest.mark.parametrize("name", FITS)
def test_the_numbers_are_those_of_the_formulas(name):
    res = load(name)
    wrong = [
        f"{c['what']} {c['arguments']}: {line}" for c in cases_of(name)
        if "expected" in c and c["what"] not in ONLY_R for line in differences(compute(res, c), c["expected"])
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", FITS)
def test_what_is_refused_has_the_code_that_it_has_in_r(name):
    res, wrong = load(name), []
    for c in cases_of(name):
        if "code" not in c:
            continue
        try:
            compute(res, c)
            code = "no error"
        except gbtm.GBTMError as error:
            code = error.code
        if code != c["code"]:
            wrong.append(f"{c['what']} {c['arguments']}: {code} instead of {c['code']}")
    assert not wrong, "\n".join(wrong)


def test_the_fits_are_of_todays_format():
    texts = {name: (SHARED / "fits" / f"{name}.json").read_text(encoding="utf-8") for name in FITS}
    stale = [name for name, text in texts.items() if json.loads(text)["format_version"] != FORMAT_VERSION]
    assert not stale, f"{', '.join(stale)}: not of format version {FORMAT_VERSION}. Write them anew: make cases"


def test_the_fits_have_all_that_can_differ():
    """Every family, and every kind of parameter and data that a formula has to do with."""
    documents = [load(name).document for name in FITS]
    specs = [d["outcomes"][0]["spec"] for d in documents]
    assert {s["family"] for s in specs} == {"normal", "cnorm", "poisson", "zip", "negbin", "zinb", "logit", "beta"}
    kinds = {b["kind"] for d in documents for b in d["blocks"]}
    assert kinds >= {"mean", "zero", "theta", "dropout", "atanh_rho", "r0_sigma"}, kinds
    assert any(-1 in (s["orders"] or ()) for s in specs), "a group of rate zero"
    assert any(-1 in (s["zero_orders"] or ()) for s in specs), "a group without zero inflation"
    assert any(d["internal"]["undetermined"].size for d in documents), "undetermined directions"
    assert any(d["weights"] is not None for d in documents)
    assert any(d["outcomes"][0]["data"]["exposure"] is not None for d in documents)
    assert any(d["outcomes"][0]["covariates"] is not None for d in documents)
    assert any(len(d["group_sets"][0]["membership"]["names"]) > 1 for d in documents)
    assert any(d["outcomes"][0]["bases"]["mean"]["kind"] == "columns" for d in documents)
    assert any(d["group_sets"][0]["n_groups"] == 1 for d in documents)
