"""What the original traj program gave on the same commands; see the README beside the reference results.

Where traj ended at the best optimum known, everything has to agree; where it stopped short, we have to do better and
to prove that ours is a maximum. Started from traj's estimates, we have to end where it did, with its standard errors.
"""

from __future__ import annotations

import functools
import json
import re

import numpy as np
import pandas as pd
import pytest

import gbtm
import oracle
from conftest import NO_REFERENCE, reference_root, relabelled, searched

# traj's optimum is the best one known
SAME = (
    "cnorm_1grp", "cnorm_2grp", "cnorm_2grp_sbg", "cnorm_3grp", "cnorm_censored", "pois", "toronto_logit3",
    "toronto_zip4", "trajeRpaper_CNORM_common", "trajeRpaper_CNORM_sbg", "trajeRpaper_CNORMcens", "trajeRpaper_LOGIT",
    "trajeRpaper_ZIP", "zip_iorder0", "zip_iorder01", "zip_iorder1common", "zip_iorder_m1_1", "cam_logit_022",
    "cam_logit_123", "cam_logit_22", "hads_cnorm3_cens", "paquid_cnorm3", "sim_cnorm3_miss40", "sim_logit_nearsep3",
    "to2_pois4", "to2_zip2_i0", "to2_zip3_i1", "to2_zip5_i0", "sim_zip2_weight", "zip_expos", "sim_pois3_expos",
    "to2_zip3_expos", "cnorm_risk_tcov", "sim_logit2_weight_risk", "trajeRpaper_CNORM_risk", "trajeRpaper_LOGIT_risk",
    "dropout0", "dropout1", "dropout1_dcov", "dropout2", "sim_cnorm2_drop1_tcov", "beta", "sim_beta2_tcov",
)
# traj stopped at a lower one (or nowhere): log-likelihood gained by the default call
BETTER = {
    "logit_2grp": 11.79396, "toronto_pois3": 14.30551, "toronto_zip3": 10.28533, "cam_logit_2222": 7.36138,
    "sim_cnorm5_cens0": 62.61133, "sim_torchseed_cnorm2": 1549.49487, "to2_zip4_ibg": 11.95114,
    "paquid_cnorm4_sbg_risk": 9.86545, "zip_weight": 0.12311,
}
# of these, where traj stopped at a maximum, though not at the highest
LOCAL = (
    "logit_2grp", "toronto_pois3", "toronto_zip3", "sim_cnorm5_cens0", "paquid_cnorm4_sbg_risk", "zip_weight",
)
# two maxima of all but one log-likelihood: the default call may end at either
TIED = ("cam_logit_022_risk", "cam_logit_022_risk_ref2")
ALL = (*SAME, *BETTER, *TIED)
NOT_HERE_YET = re.compile(r"outcome\(|multgroups|ar1|rorder|var1", re.IGNORECASE)
SAME_LL = 1e-4


def _best_known(case) -> float:
    return max(case.traj["ll"], case.traj.get("best_known_ll") or -np.inf)


@functools.cache
def _matched(case, res=None):
    """Our fit as traj's table, groups renamed so that the estimates come closest to traj's."""
    b, se = np.array(case.traj["b"]), np.array(case.traj["se"], dtype=float)
    tables = relabelled(res or case.at_trajs)
    return min(tables, key=lambda table: (np.abs(table.b.to_numpy() - b) / np.where(se > 0, se, np.inf)).sum())


def _oracle_loglik(res) -> float:
    return oracle.loglik(oracle.of_results(res), res.params.to_numpy(), *oracle.data_of(res))


@functools.cache
def _formula(case):
    """Parameters -> log-likelihood, by the oracle from the command's text and the table alone."""
    options = {name.lower(): text.split() for name, text in re.findall(r"(\w+)\(([^()]*)\)", case.command)}

    def columns(name):
        return case.data[options[name]].to_numpy(dtype=float) if name in options else None

    def by_wave(name):  # (N, T, q), all waves of a covariate before the next's
        values = columns(name)
        return None if values is None else values.reshape(len(values), -1, y.shape[1]).swapaxes(1, 2)

    def whole(name):
        return tuple(int(word) for word in options.get(name, ()))

    y, time, z, weight = columns("var"), columns("indep"), columns("risk"), columns("weight")
    w, v, exposure = by_wave("tcov"), by_wave("dcov"), columns("expos")
    used = ~np.isnan(y) & ~np.isnan(time)
    used &= True if w is None else ~np.isnan(w).any(axis=2)
    left = used.any(axis=1)
    for known in (z, weight):
        left &= True if known is None else ~np.isnan(known).any(axis=1)
    subject, wave = np.nonzero(used & left[:, None])
    family, bounds = options["model"][0], (("min", -np.inf), ("max", np.inf))
    model = oracle.Model(
        "poisson" if family == "zip" and "iorder" not in options else family, whole("order"), whole("iorder"),
        "sigmabygroup" in case.command, *(float(options.get(name, [none])[0]) for name, none in bounds),
        n_tcov=0 if w is None else w.shape[2], n_risk=0 if z is None else z.shape[1],
        reference=whole("refgroup")[0] - 1 if "refgroup" in options else 0, dropout=whole("dropout"),
        n_dcov=0 if v is None else v.shape[2],
    )
    beside = oracle.Beside(
        w=None if w is None else w[subject, wave], exposure=None if exposure is None else exposure[subject, wave],
        z=None if z is None else z[left], weights=None if weight is None else weight[left, 0],
        history=y[left] if model.dropout else None, v=None if v is None else v[left],
    )
    return lambda x: oracle.loglik(model, x, subject, time[subject, wave], y[subject, wave], beside)


def test_the_list_of_cases_is_complete():
    root = reference_root()
    if root is None:
        pytest.skip(NO_REFERENCE)
    index = json.loads((root / "traj" / "index.json").read_text(encoding="utf-8"))
    assert set(ALL) == {name for name, v in index.items() if not NOT_HERE_YET.search(v["command"])}


@pytest.mark.parametrize("name", searched(ALL))
def test_default_call_reaches_the_best_known_optimum(name, reference):
    case = reference(name)
    res = case.fit()
    assert res.llf >= case.traj["ll"] - SAME_LL
    assert res.llf >= _best_known(case) - SAME_LL
    assert res.converged
    assert not any("collapsed" in w["code"] for w in res.document["warnings"])
    assert res.llf == pytest.approx(_formula(case)(res.params.to_numpy()), rel=1e-9)


@pytest.mark.parametrize("name", searched(SAME))
def test_the_search_ends_where_traj_did(name, reference):
    """The default call and a fit that starts from traj's estimates: one point, and one covariance."""
    case = reference(name)
    found, there = _matched(case, case.fit()), _matched(case, case.at_trajs)
    se = np.sqrt(np.diag(there.V))
    known = np.isfinite(se)
    assert (np.isfinite(np.diag(found.V)) == known).all()
    assert (np.abs(found.b - there.b).to_numpy()[known] < 1e-3 * se[known]).all()
    scale = np.outer(se, se)[np.ix_(known, known)]
    np.testing.assert_allclose((found.V - there.V).to_numpy()[np.ix_(known, known)] / scale, 0, atol=1e-4)


@pytest.mark.parametrize("name", ALL)
def test_trajs_log_likelihood_is_the_formulas_at_its_estimates(name, reference):
    """What is compared is one function of the parameters, each parameter called the same."""
    case = reference(name)
    if not np.isfinite(case.traj["ll"]):
        pytest.skip("traj gave none")
    # traj's estimates have 7 digits or so where it stopped at a steep place
    assert _formula(case)(np.array(case.traj["b"])) == pytest.approx(case.traj["ll"], abs=2e-4)


@pytest.mark.parametrize("name", ALL)
def test_size_and_names(name, reference):
    case = reference(name)
    table = _matched(case)
    assert list(table.b.index) == case.traj["names"]
    assert list(table.V.index) == list(table.V.columns) == case.traj["names"]
    if "n_obs" in case.traj:
        assert case.at_trajs.nobs == case.traj["n_obs"]
        assert case.at_trajs.n_subjects == case.traj["n_subjects"]
        assert case.at_trajs.df_model == case.traj["k"]


@pytest.mark.parametrize("name", [*SAME, *LOCAL, *TIED])
def test_estimates(name, reference):
    """Within 0.01 standard errors: traj stops at a looser gradient than we do."""
    case = reference(name)
    res = case.at_trajs
    table = _matched(case, res)
    assert res.llf == pytest.approx(case.traj["ll"], abs=SAME_LL)
    se = np.sqrt(np.diag(table.V))
    known = np.isfinite(se)
    assert (np.abs(table.b.to_numpy() - case.traj["b"])[known] < 0.01 * se[known]).all()


@pytest.mark.parametrize("name", [*SAME, *LOCAL, *TIED])
def test_standard_errors(name, reference):
    """Covariance in traj's convention within 0.1 %; where we give none, a warning says so and traj's is absurd."""
    case = reference(name)
    res = case.at_trajs
    table = _matched(case, res)
    se = np.sqrt(np.diag(table.V))
    theirs = np.array(case.traj["se"], dtype=float)
    known = np.isfinite(se)
    np.testing.assert_allclose(se[known], theirs[known], rtol=1e-3)
    v = np.array(case.traj["V"], dtype=float)[np.ix_(known, known)]
    scale = np.outer(se[known], se[known])
    np.testing.assert_allclose(table.V.to_numpy()[np.ix_(known, known)] / scale, v / scale, atol=2e-3)
    if not known.all():
        assert (theirs[~known] > 100).all() or "hessian_not_pd" in case.traj["traj_status"]
        said = " ".join(res.warnings)
        for parameter in res.params.index[res.bse.isna()]:
            assert parameter in said


def test_the_only_case_without_some_standard_error(reference):
    assert _matched(reference("sim_logit_nearsep3")).V.isna().to_numpy().diagonal().sum() == 2
    assert not _matched(reference("sim_cnorm3_miss40")).V.isna().to_numpy().any()


@pytest.mark.parametrize("name", [*SAME, *LOCAL, *TIED])
def test_group_percentages(name, reference):
    case = reference(name)
    table = _matched(case, case.at_trajs)
    tolerance = 0.01 * max(1.0, table.shares["se"].max())
    if "Baseline" in case.printed:  # with membership covariates the mean over the subjects, which traj does not print
        np.testing.assert_allclose(table.shares["percent"], case.traj["group_pct_e_groupSize1"], atol=tolerance)
        return
    theta = np.array([0.0, *[b for n, b in zip(case.traj["names"], case.traj["b"], strict=True) if "theta" in n]])
    percent = 100 * np.exp(theta) / np.exp(theta).sum()
    np.testing.assert_allclose(table.shares["percent"], percent, atol=tolerance)


@pytest.mark.parametrize("name", [*SAME, *LOCAL, *TIED])
def test_criteria(name, reference):
    case = reference(name)
    criteria = case.at_trajs.criteria
    assert criteria.loc["traj_bic", "subjects"] == pytest.approx(case.traj["BIC_n"], abs=2e-4)
    assert criteria.loc["traj_bic", "observations"] == pytest.approx(case.traj["BIC_N"], abs=2e-4)
    assert criteria.loc["traj_aic", "subjects"] == pytest.approx(case.traj["aic"], abs=2e-4)


@pytest.mark.parametrize("name", [*SAME, *LOCAL, *TIED])
def test_entropy(name, reference):
    """traj's counts subjects without data, at their prior probabilities; ours is over the subjects used."""
    case = reference(name)
    res = case.at_trajs
    if res.n_groups == 1:
        assert np.isnan(res.entropy)
        return
    n, without = res.n_subjects, len(res.document["dropped"]["subjects"])
    share = res.group_sets[0].shares
    spread = (1 - res.entropy) * n * np.log(res.n_groups) - without * (share * np.log(share)).sum()
    want = float(np.ravel(case.traj["entropy"])[0])
    assert 1 - spread / ((n + without) * np.log(res.n_groups)) == pytest.approx(want, abs=1e-4)


PRINTED = (*SAME, *LOCAL, *TIED)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?|(?<= )\.(?= |$)")


def _lines(text: str) -> list[str]:
    """Printed lines without the program's own heading and its warnings."""
    return [line for line in text.rstrip("\n").split("\n") if "====" not in line and "WARNING" not in line]


def _row_tolerances(tokens: list[str], row: pd.Series | None) -> list[float]:
    """1.5 units of the last printed digit, or what 1e-3 standard errors more or less in the estimate would do."""
    unit = [1.5 * 10.0 ** -len(t.partition(".")[2]) if "." in t else 1.5 for t in tokens]
    if row is None or not np.isfinite(row["se"]) or row["se"] == 0:
        return unit
    # columns from the right: p, t, se, estimate
    loose = {-4: 1e-3 * row["se"], -3: 1e-4 * row["se"], -2: 1.5e-3 + 1e-4 * abs(row["t"]), -1: 1e-3}
    for place, tolerance in loose.items():
        if len(tokens) >= -place:
            unit[place] = max(unit[place], tolerance)
    return unit


@pytest.mark.parametrize("name", PRINTED)
def test_printed_table_line_by_line(name, reference):
    case = reference(name)
    table = _matched(case, case.at_trajs)
    theirs, ours = _lines(case.printed), _lines(table.text)
    assert len(ours) == len(theirs), "\n".join(ours)
    rows = iter([row for row in table.table.to_dict("records") if row["parameter"] != "Baseline"])
    lost = []
    for a, b in zip(theirs, ours, strict=True):
        if "Baseline" in a:
            assert a == b
            continue
        skeleton = [re.sub(r"\s+", " ", NUMBER.sub("#", x)).strip() for x in (a, b)]
        printed_row = re.search(r"\d\.\d{3,5} +[\d.]+", a) and "BIC" not in a and "Entropy" not in a
        row = next(rows) if printed_row else None
        if row is not None and not np.isfinite(row["se"]):
            lost.append(row)
            assert b.split()[-3:] == [".", ".", "."]
            continue
        assert skeleton[0] == skeleton[1]
        x, y = NUMBER.findall(a), NUMBER.findall(b)
        assert len(x) == len(y)
        tolerance = _row_tolerances(x, row)
        for p, q, tol in zip(x, y, tolerance, strict=True):
            assert len(p.partition(".")[2]) == len(q.partition(".")[2]), (a, b)
            assert abs(float(p) - float(q)) <= tol * (1 + 1e-9), (a, b)
    assert len(lost) == int(np.isnan(np.diag(table.V)).sum())
    assert next(rows, None) is None


@pytest.mark.parametrize(
    "name",
    ["cnorm_2grp", "toronto_zip4", "cam_logit_22", "sim_cnorm3_miss40", "cnorm_risk_tcov", "cam_logit_022_risk_ref2",
     "sim_zip2_weight", "beta", "dropout1_dcov", "dropout2"],
)
def test_printed_table_keeps_the_columns(name, reference):
    """Spacing too: same widths, so that a log compares line by line."""
    case = reference(name)
    ours = _matched(case, case.at_trajs).text
    for a, b in zip(_lines(case.printed), _lines(ours), strict=True):
        assert len(a) == len(b), (a, b)
        assert [m.end() for m in NUMBER.finditer(a)] == [m.end() for m in NUMBER.finditer(b)], (a, b)


@pytest.mark.parametrize("name", searched(BETTER))
def test_where_traj_stopped_short_ours_is_a_certified_maximum(name, reference):
    case = reference(name)
    res = case.fit()
    assert res.llf - case.traj["ll"] == pytest.approx(BETTER[name], abs=1e-3)
    certificate = res.document["certificate"]
    assert certificate["decrement"] < 1e-8
    assert certificate["gradient"] < 1e-4
    # an independent Hessian in internal coordinates: negative definite but for directions that a warning names
    if np.isfinite(res.bse).all():
        assert certificate["smallest_eigenvalue"] > 1e-3
        assert {f.code for f in res.findings} <= {"weak_fit"}  # whose parabola is no good measure far from the maximum
    else:
        assert certificate["smallest_eigenvalue"] > -1e-6
        said = " ".join(res.warnings)
        for parameter in res.params.index[res.bse.isna()]:
            assert parameter in said
    # no small step along any parameter raises the independent likelihood
    loglik = _formula(case)
    best = loglik(res.params.to_numpy())
    for j, se in enumerate(res.bse):
        if np.isfinite(se):
            for sign in (-1, 1):
                x = res.params.to_numpy().copy()
                x[j] += sign * 0.02 * se
                assert loglik(x) < best


@pytest.mark.parametrize("name", searched(["paquid_cnorm4_sbg_risk", "sim_cnorm5_cens0", "to2_zip4_ibg"]))
def test_ours_is_the_best_point_known(name, reference):
    """Where other starts of traj's own likelihood were tried, their best point is the one we find."""
    case = reference(name)
    res = case.fit()
    best = np.array(case.traj["best_known_b"], dtype=float)
    assert res.llf == pytest.approx(case.traj["best_known_ll"], abs=SAME_LL)
    off = min(
        np.nanmax(np.abs(table.b.to_numpy() - best) / np.sqrt(np.diag(table.V))) for table in relabelled(res)
    )
    assert off < 0.01


# the estimates of the higher optimum
HIGHER = {
    "zip_weight": [1.713191, 0.107349, 1.461352, -0.438305, 0.079329, -0.868362, 0.019955],
    "cam_logit_022_risk": [-5.017694, -1.469391, -0.60788, -1.91655, 0.245879, -0.667125, -1.798901, -1.183951,
                           0.994345, 0.550255, -5.582595, 2.284791, 2.864788],
}


def _at_higher(case):
    return gbtm.traj(case.command, case.data, start=HIGHER[case.name])


@pytest.mark.parametrize(("name", "gain"), [("zip_weight", 0.12311), ("cam_logit_022_risk", 0.00756)])
def test_two_maxima_side_by_side(name, gain, reference):
    """By the oracle, both traj's point and another are maxima inside the parameter space, and the other is higher.

    zip_weight: both optima have the same two kinds of people; traj's gives the quadratic curve to the rising group and
    the straight line to the other, ours the other way round, and the data prefer a bend in the flat curve by 0.123.
    traj's starting values decided which: of ours, half end at either.

    cam_logit_022_risk: a tie. The third group is 8.5 % of the people at traj's point and 3.3 % (6 of 195) at the other,
    where its membership coefficients have standard errors of 1.2 to 1.8. That is higher by 0.008, which says nothing
    for it, and few starts find it. Neither lies on a boundary.
    """
    case = reference(name)
    loglik, found = _formula(case), []
    for res in (_at_higher(case), case.at_trajs):
        at, step = res.params.to_numpy(), res.bse.to_numpy()

        def around(u, at=at, step=step):
            return loglik(at + step * u)

        assert np.abs(oracle.fd_gradient(around, np.zeros(at.size))).max() < 1e-5
        assert np.linalg.eigvalsh(-oracle.fd_hessian(around, np.zeros(at.size), step=2e-2)).min() > 0.1
        assert {f.code for f in res.findings} <= {"weak_fit"}
        assert (np.abs(at) < 10).all()
        found.append(loglik(at))
    assert found[0] - found[1] == pytest.approx(gain, abs=1e-4)


def test_the_bend_is_in_the_flat_curve_or_in_the_rising_one(reference):
    """The two optima of zip_weight: whichever group is quadratic, the curves of the two kinds of people are alike."""
    case = reference("zip_weight")
    ours, theirs = _at_higher(case), case.at_trajs
    at = np.arange(0.0, 5.0) if case.data["T1"].iloc[0] == 0 else np.sort(case.data.filter(regex="^T").to_numpy()[0])
    curves = [res.predict(at)["estimate"].to_numpy().reshape(2, -1) for res in (ours, theirs)]
    assert np.abs(curves[0] / curves[1][::-1] - 1).max() < 0.25
    rises = [c[:, -1] / c[:, 0] for c in curves]
    assert np.argmax(rises[0]) != np.argmax(rises[1])


@pytest.mark.parametrize("name", searched(["logit_2grp", "toronto_pois3", "toronto_zip3"]))
def test_trajs_own_optimum_is_in_the_start_report(name, reference):
    case = reference(name)
    report = case.fit().start_report
    assert (report["loglik"] - case.traj["ll"]).abs().min() < 1e-3
    assert report["loglik"].iloc[0] > case.traj["ll"] + 10


@pytest.mark.parametrize("name", searched(HIGHER))
def test_both_maxima_are_in_the_start_report(name, reference):
    """zip_weight: the higher one is reached. cam_logit_022_risk: few starts find it, whichever ends up best."""
    case = reference(name)
    logliks = case.fit().start_report["loglik"]
    assert (logliks - case.traj["ll"]).abs().min() < 1e-3
    if name == "zip_weight":
        assert case.fit().llf == pytest.approx(_at_higher(case).llf, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("rng", [1, 2])
@pytest.mark.parametrize("name", ALL)
def test_other_seeds_reach_it_too(name, rng, reference):
    case = reference(name)
    assert case.fit(rng).llf >= _best_known(case) - SAME_LL
    assert case.fit(rng).llf == pytest.approx(case.fit(0).llf, abs=0.01 if name in TIED else 1e-5)


@pytest.mark.parametrize("rng", [1, 2])
@pytest.mark.parametrize("name", ["sim_logit_nearsep3", "cam_logit_22"])
def test_three_seeds_reach_it(name, rng, reference):
    case = reference(name)
    assert case.fit(rng).llf >= _best_known(case) - SAME_LL


# -- Toronto counts, 378 people at 31 ages: the best known log-likelihoods --------------------------------------------


def _to1adj():
    root = reference_root()
    if root is None or not (root / "to1adj").is_dir():
        pytest.skip(f"to1adj: {NO_REFERENCE}")
    best = json.loads((root / "to1adj" / "best_known.json").read_text(encoding="utf-8"))["log_likelihood"]
    data = pd.read_csv(root / "to1adj" / "data.csv")
    columns = [c for c in data.columns if c.startswith("Offense")]
    times = [(int(c[7:]) - 23) / 15 for c in columns]
    return data[columns].to_numpy(dtype=float), times, best


@functools.cache
def _to1adj_fit(order: int, k: int, rng: int = 0):
    y, times, _ = _to1adj()
    model = gbtm.GBTM(y, times, groups=k, order=order, iorder=order if k == 1 else [order] * k, family="zip")
    return model.fit(rng=rng)


@pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")
@pytest.mark.parametrize("k", [1, 2, *[pytest.param(k, marks=pytest.mark.slow) for k in (3, 4, 5)]])
def test_to1adj_order_2(k):
    *_, best = _to1adj()
    res = _to1adj_fit(2, k)
    assert res.llf >= best[f"o2k{k}"] - 1e-3
    assert res.converged
    assert res.llf == pytest.approx(_oracle_loglik(res), rel=1e-9)
    if k > 1:
        assert res.llf >= _to1adj_fit(2, k - 1).llf


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_to1adj_order_3(k, record_property):
    """Reported, not required: the best of 1,800 starts was seen twice for K = 5."""
    *_, best = _to1adj()
    res = _to1adj_fit(3, k)
    record_property("difference", res.llf - best[f"o3k{k}"])
    print(f"o3k{k}: {res.llf:.4f}, best known {best[f'o3k{k}']:.4f}, difference {res.llf - best[f'o3k{k}']:+.4f}")
    assert res.llf >= best[f"o3k{k}"] - 5.0
    if k > 1:
        assert res.llf >= _to1adj_fit(3, k - 1).llf


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")
@pytest.mark.parametrize("rng", [1, 2])
@pytest.mark.parametrize("k", [3, 4, 5])
def test_to1adj_order_2_other_seeds(k, rng):
    *_, best = _to1adj()
    assert _to1adj_fit(2, k, rng).llf >= best[f"o2k{k}"] - 1e-3
