"""Hostile calls end clean or refused: no raw exception, and no NaN in a result without a word on it.

Three thousand seeded calls in the slow suite, a sample of them in the fast one. An :class:`gbtm.errors.InternalError`
counts as raw: it is the net under the doors, and nothing should fall into it.
"""

from __future__ import annotations

import copy
import json
import warnings
from collections import Counter

import numpy as np
import pandas as pd
import pytest

import gbtm
from conftest import ROOT
from gbtm.errors import InternalError
from gbtm.record.document import encode
from listings import log, sas, smcl, stata, wrapped

FITS = ("normal_dropout", "zip_own", "cnorm_effects", "normal_basis", "logit", "poisson_one", "zinb", "beta")
STRANGE = (
    None, True, -1, 0, 3, 1.5, float("nan"), float("inf"), 1e300, 1e-300, 10**12, "", "x", "t[1]", [], [1], ["x"],
    [None], {}, {"a": 1}, (), (1, 2), b"x", object(), 1j, np.zeros((2, 2)), np.nan, pd.Series([1.0, np.nan]),
    pd.DataFrame(), len,
)
CALLS = {  # method -> its arguments
    "predict": ("times", "level", "tcov"), "conf_int": ("alpha",), "classify": ("newdata", "by_wave", "level"),
    "simulate": ("rng",), "t_test": ("hypotheses", "use_t", "df"), "wald_test": ("hypotheses", "use_f", "df"),
    "wald_test_nonlinear": ("function", "value", "use_f", "df"), "delta": ("function",),
    "equal_curves": ("groups", "include_intercept"), "equal_slopes": ("groups",), "odds_ratios": ("level",),
    "to_traj": ("group_order",), "plot_matrix": ("level",), "trajtest": ("text", "group_order"),
    "compare_traj": ("text", "which"), "save": ("path",), "profile_int": ("parameter", "level"),
}
NEEDED = {"hypotheses": "t[1] = 0", "function": "t[1]", "text": "linear1=0", "parameter": "t[1]"}
USES = (
    "params", "bse", "pvalues", "group_shares", "criteria", "posterior", "assignment", "start_report", "warnings",
    "adequacy", "observed_means", "fittedvalues", "entropy", "out_of_sample", "spec", "dropped",
)
MODELS = ("groups", "order", "family", "iorder", "min", "max", "risk", "tcov", "weights", "cluster", "dropout", "ar1",
          "sigma_by_group", "rorder", "refgroup", "exposure", "id")
FIT = ("n_starts", "rng", "device", "cov_type", "start", "max_starts", "time_budget", "progress")


class Hostile:
    """Stored fits, a small table, and one source of chance."""

    def __init__(self, folder, seed: int) -> None:
        self.folder, self.rng = folder, np.random.default_rng(seed)
        self.texts = {n: (ROOT / "tests" / "shared" / "fits" / f"{n}.json").read_text(encoding="utf-8") for n in FITS}
        self.fits = {n: gbtm.load(ROOT / "tests" / "shared" / "fits" / f"{n}.json") for n in FITS}
        self.data = gbtm.datasets.two_groups(rng=0, n_per_group=6, periods=4)
        self.data["x"] = np.repeat(np.linspace(0, 1, 12), 4)
        model = gbtm.GBTM.from_formula("y ~ t", self.data, id="id", groups=2, order=1, risk="~ bs(x, df=3)")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.designed = model.fit(n_starts=1)
            self.search = gbtm.search("y ~ t", self.data, id="id", groups=2, order=1, how="groups", n_starts=1)
        printed = [self.fits["cnorm_effects"], self.fits["logit"], self.fits["zip_own"]]
        self.listings = [make(res) for res in printed for make in (stata, sas)]
        self.listings += [log(t) for t in self.listings[:2]] + [smcl(self.listings[0]), wrapped(self.listings[0], 60)]
        self.texts["designed"] = json.dumps(encode(self.designed.document))
        self.texts["search"] = json.dumps(encode(self.search.document))

    def pick(self, values):
        return values[int(self.rng.integers(len(values)))]

    # -- kinds of calls: each returns what it made ----------------------------------------------------------------

    def method(self):
        """A method of a fit with strange arguments."""
        res, name = self.fits[self.pick(FITS)], self.pick(list(CALLS))
        given = {a: self.pick(STRANGE) for a in CALLS[name] if self.rng.random() < 0.6}
        given |= {a: v for a, v in NEEDED.items() if a in CALLS[name] and a not in given}
        if name == "profile_int":
            given["level"] = self.pick([0, 1, "x", None])  # without the minutes that an interval takes
        if name == "save":
            given["path"] = self.pick([None, 3, "", b"x", "\0", str(self.folder / "no" / "such"), str(self.folder)])
        if self.rng.random() < 0.1:
            given["nonsense"] = 1
        return f"{name}({given})", lambda: getattr(res, name)(**given)

    def model(self):
        """A model and a fit with strange arguments."""
        given = {"groups": 1, "order": 0, "id": "id"} | {self.pick(MODELS): self.pick(STRANGE)}
        fit = {"n_starts": 1, "time_budget": 1.0}
        if self.rng.random() < 0.5:
            fit[self.pick(FIT)] = self.pick(STRANGE)
        data = self.pick([self.data, self.data, self.data, *STRANGE])
        formula = self.pick(["y ~ t"] * 5 + ["y ~", "~", "y ~ t + x", "y ~ bs(t, df=3)", "y ~ bs(t, df=99)", 3, None])
        return f"from_formula({formula}, {given}).fit({fit})", lambda: (
            gbtm.GBTM.from_formula(formula, data, **given).fit(**fit)
        )

    def values(self):
        """Data with strange values in them."""
        data, column = self.data.copy(), self.pick(["y", "t", "x", "id"])
        family = self.pick(["normal", "poisson", "zip", "logit", "cnorm", "beta", "negbin"])
        if family != "normal":
            data["y"] = np.round(np.abs(data["y"])) % (2 if family == "logit" else 5)
        strange = self.pick([np.nan, np.inf, -np.inf, 1e300, 1e-300, 1e12, -1.0, 0.0, "a", None, True, 1e15, 0.5])
        rows = self.rng.random(len(data)) < self.pick([0.02, 0.5, 1.1])
        data[column] = data[column].astype(object)
        data.loc[rows, column] = strange
        kept = self.pick([len(data), 1, 0, 5])
        given = {"min": 0.0} if family == "cnorm" else {}
        return f"{family}: {column} = {strange} in {rows.sum()} rows of {kept}", lambda: gbtm.GBTM.from_formula(
            "y ~ t", data.head(kept), id="id", groups=1, order=1, family=family, risk="x", **given
        ).fit(n_starts=1, time_budget=1.0)

    def document(self):
        """A file that someone changed, and the uses that it is put to."""
        name = self.pick(list(self.texts))
        stored = json.loads(self.texts[name])
        changes = [self._tamper(stored) for _ in range(int(self.rng.integers(1, 3)))]
        path = self.folder / "tampered.json"
        text = json.dumps(stored, default=str)
        if self.rng.random() < 0.1:
            text = text[: int(self.rng.integers(len(text)))]
        path.write_text(text, encoding="utf-8")
        return f"{name}: {changes}", (lambda: self._searched(path)) if name == "search" else (lambda: self._used(path))

    def _tamper(self, stored):
        """Change one field anywhere."""
        at, way = stored, []
        while True:
            steps = list(at) if isinstance(at, dict) else list(range(len(at)))
            step = self.pick(steps)
            way.append(step)
            inner = at[step]
            if isinstance(inner, (dict, list)) and inner and self.rng.random() < 0.85:
                at = inner
                continue
            if isinstance(at, dict) and self.rng.random() < 0.2:
                del at[step]
                return (*way, "gone")
            plain = [None, True, -1, 0, 7, 1.5, 1e300, 1e-300, 10**12, "", "x", [], [1], {}, {"a": 1}]
            at[step] = copy.deepcopy(self.pick(plain))
            return (*way, at[step])

    def _used(self, path):
        res = gbtm.load(path)
        made = [getattr(res, name) for name in USES]
        made += [repr(res), str(res.summary()), res.predict(), res.conf_int(), res.simulate(), res.traj_data()]
        if res.inputs is not None and "x" in str(res.inputs):
            made.append(res.classify(self.data))
        return [res, made]

    def _searched(self, path):
        found = gbtm.load_search(path)
        return [found, repr(found), found.table, found.choices, found.sentences, found.summary(), found.fits]

    def listing(self):
        """A log of Stata or a listing of SAS that was cut or changed."""
        text = self.pick(self.listings)
        for _ in range(int(self.rng.integers(1, 6))):
            a, b = sorted(self.rng.integers(0, len(text) + 1, 2))
            b = min(b, a + 200)
            text = text[:a] + self.pick(["", "*", "9" * 400, "-.", "\n", "nan", "1e999", text[a:b] * 2]) + text[b:]
        res = self.fits[self.pick(FITS)]
        return f"listing {text[:40]!r}", lambda: res.compare_traj(text)

    def others(self):
        """Functions of the front door."""
        res = self.fits["normal_dropout"]
        name, needed, arguments = self.pick([
            ("load", ("path",), ("path", "trust_formula")), ("load_search", ("path",), ("path",)),
            ("blrt", ("res",), ("res", "smaller", "n_max", "alpha")), ("pool", ("fits",), ("fits", "df_complete")),
            ("lmr", ("res",), ("res", "smaller", "rng")), ("bootstrap", ("res",), ("res", "kind", "n")),
            ("cross_validate", ("model",), ("model", "folds")), ("ar1_check", ("res",), ("res", "groups")),
            ("to_table", ("x",), ("x", "format", "path", "what", "digits", "level")),
            ("grolts_report", ("res_or_search", "path"), ("res_or_search", "path", "level")),
            ("residual_checks", ("res",), ("res", "lags", "rng")),
            ("search", ("formula", "data"), ("formula", "data", "groups", "order", "how", "criterion", "checkpoint")),
            ("traj", ("command", "data"), ("command", "data", "matrices", "id")),
            ("proc_traj", ("text", "data"), ("text", "data")),
        ])
        given = {a: self.pick(STRANGE) for a in arguments if a in needed or self.rng.random() < 0.5}
        if name in ("to_table", "residual_checks"):
            given[needed[0]] = self.pick([res, given[needed[0]]])
        if "path" in given and isinstance(given["path"], str):
            given["path"] = str(self.folder / f"{given['path']}.bin")
        if "checkpoint" in given and isinstance(given["checkpoint"], str):
            given["checkpoint"] = str(self.folder / "checkpoint")
        return f"{name}({given})", lambda: getattr(gbtm, name)(**given)


KINDS = ("method", "method", "document", "document", "document", "values", "model", "model", "listing", "others")


def _silent(made) -> bool:
    """A fit with estimates or a log-likelihood that are no numbers, or no standard errors and not a word on it."""
    for res in made if isinstance(made, list) else [made]:
        if isinstance(res, gbtm.GBTMResults):
            if not all(np.isfinite(v).all(axis=None) for v in (res.llf, res.params, res.posterior)):
                return True
            if np.isnan(res.bse).any() and not res.warnings and not isinstance(made, list):  # a file may lack its own
                return True
    return False


def _run(folder, seed: int, calls: int):
    hostile, counts, faults = Hostile(folder, seed), Counter(), []
    for number in range(calls):
        what, call = getattr(hostile, KINDS[number % len(KINDS)])()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = call()
            outcome = "silent" if _silent(made) else "clean"
        except InternalError as error:
            outcome = "clean" if error.code == "not_written" else "raw"
            what = f"{what}: {error} <- {error.__cause__!r}"
        except gbtm.GBTMError:
            outcome = "refused"
        except Exception as error:
            outcome, what = "raw", f"{what}: {type(error).__name__}: {error}"
        counts[outcome] += 1
        if outcome in ("raw", "silent"):
            faults.append(f"{outcome} #{number}: {what[:600]}")
    return counts, faults


def _judged(folder, seed: int, calls: int) -> None:
    counts, faults = _run(folder, seed, calls)
    print(f"{calls} hostile calls: {dict(counts)}")
    assert not faults, "\n".join(faults[:20])
    assert counts["refused"] > calls / 4  # they are hostile
    assert counts["clean"] > calls / 20  # and some reach their goal


def test_a_sample_of_hostile_calls(tmp_path):
    _judged(tmp_path, 1, 100)


@pytest.mark.slow
def test_three_thousand_hostile_calls(tmp_path):
    _judged(tmp_path, 2, 3000)
