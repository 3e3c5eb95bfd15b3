"""Shared fixtures. One thread: the tests run many small fits, often beside other work."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import contextlib
import functools
import itertools
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gbtm
import oracle

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / "tests" / "reference"
NO_REFERENCE = "reference results not found: set GBTM_REFERENCE to their folder, or put it at ../shared/reference"


@contextlib.contextmanager
def in_folder(folder):
    """Another working directory for a while; contextlib has that from Python 3.11 on."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def reference_root() -> Path | None:
    """Folder with ``traj/`` and ``to1adj/``, or None."""
    given = os.environ.get("GBTM_REFERENCE")
    candidates = [Path(given)] if given else [ROOT.parent / "shared" / "reference"]
    return next((c for c in candidates if (c / "traj").is_dir()), None)


def case_folder(name: str) -> Path:
    """Folder of a reference case; skips the test where there is none."""
    if (OWN / name).is_dir():
        return OWN / name
    root = reference_root()
    if root is None or not (root / "traj" / name).is_dir():
        pytest.skip(f"{name}: {NO_REFERENCE}")
    return root / "traj" / name


def needs_r(package: str) -> None:
    """Skip where R, rpy2 or an R package is missing; fail instead where GBTM_REQUIRE_R is set.

    GBTM_WITHOUT_R skips it in any case: ``make quick`` starts no R.
    """
    if os.environ.get("GBTM_WITHOUT_R"):
        pytest.skip("GBTM_WITHOUT_R is set")
    try:
        from rpy2.robjects.packages import isinstalled

        missing = None if isinstalled(package) else f"R has no package '{package}'"
    except Exception as error:
        missing = f"rpy2 cannot start R ({error})"
    if missing and os.environ.get("GBTM_REQUIRE_R"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


class Case:
    """One reference case: the data, what traj gave, and (lazily) our fits of the same command."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = case_folder(name)
        self.traj = json.loads((self.folder / "estimates.json").read_text(encoding="utf-8"))
        self.printed = (self.folder / "traj_output.txt").read_text(encoding="utf-8")
        self.data = pd.read_csv(self.folder / "data.csv")
        self.command = self.traj["stata_command"]
        self._fits: dict[int, object] = {}

    def fit(self, rng: int = 0):
        import gbtm

        if rng not in self._fits:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", gbtm.GBTMWarning)
                self._fits[rng] = gbtm.traj(self.command, self.data, rng=rng)
        return self._fits[rng]

    @functools.cached_property
    def at_trajs(self):
        """Our fit at traj's optimum: no search, it starts from traj's estimates."""
        import gbtm

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", gbtm.GBTMWarning)
            return gbtm.traj(self.command, self.data, start=self.traj["b"])


# where the default search runs in the fast suite: most families and parts, and one where traj stopped short
SEARCHED = (
    "cnorm_1grp", "cnorm_2grp_sbg", "cnorm_3grp", "cnorm_censored", "cnorm_risk_tcov", "cnorm_ar1", "dropout0",
    "logit_2grp", "pois", "sim_logit_nearsep3", "sim_zip2_weight", "zip_iorder01",
)


def searched(names) -> list:
    """Parameters of a test that searches: those of the fixed dozen at once, the rest when slow."""
    return [name if name in SEARCHED else pytest.param(name, marks=pytest.mark.slow) for name in names]


def relabelled(res):
    """The fit as traj's table in every order of its groups that is allowed."""
    for order in itertools.permutations(range(1, res.n_groups + 1)):
        try:
            yield res.to_traj(list(order))
        except gbtm.SpecificationError:
            continue


_CASES: dict[str, Case] = {}


@pytest.fixture(scope="session")
def reference():
    """name -> Case, fitted once a session."""

    def get(name: str) -> Case:
        if name not in _CASES:
            _CASES[name] = Case(name)
        return _CASES[name]

    return get


FEW_STARTS = 6  # enough for these models, whose optimum the default search is tested to find

# Small, well separated true models, one or more per family: (oracle model, parameters, times, n)
TRUTH = {
    "normal": (oracle.Model("normal", (1, 2)), [1.0, 0.8, 4.0, -0.5, 0.3, 0.8, -0.4], [0, 1, 2, 3, 4], 80),
    "normal_sbg": (
        oracle.Model("normal", (1, 1), sigma_by_group=True), [1.0, 0.5, 4.0, -0.5, 0.5, 1.1, 0.3], [0, 1, 2, 3, 4], 80,
    ),
    "cnorm": (
        oracle.Model("cnorm", (1, 2), lower=0.0, upper=6.0), [0.5, 0.6, 5.0, 0.5, -0.3, 1.0, 0.2], [0, 1, 2, 3, 4], 80,
    ),
    "cnorm_sbg": (
        oracle.Model("cnorm", (0, 1), sigma_by_group=True, lower=0.0), [0.3, 4.0, -0.5, 0.8, 1.2, 0.0],
        [0, 1, 2, 3, 4], 80,
    ),
    "poisson": (oracle.Model("poisson", (1, 2)), [-0.8, 0.1, 1.2, 0.4, -0.15, -0.3], [0, 1, 2, 3, 4], 80),
    "poisson_never": (oracle.Model("poisson", (-1, 1)), [0.5, 0.2, 0.4], [0, 1, 2, 3, 4], 80),
    "zip_common": (oracle.Model("zip", (1, 1), (1,)), [0.0, 0.2, 1.5, 0.1, -1.0, 0.2, 0.2], [0, 1, 2, 3, 4], 120),
    "zip_own": (oracle.Model("zip", (1, 1), (0, 1)), [0.2, 0.2, 1.6, 0.1, -0.2, -1.5, 0.3, 0.2], [0, 1, 2, 3, 4], 150),
    "zip_partly": (oracle.Model("zip", (0, 1), (-1, 0)), [-1.0, 1.4, 0.1, -0.8, 0.3], [0, 1, 2, 3, 4], 120),
    "zip_never": (oracle.Model("zip", (-1, 1), (0,)), [1.0, 0.1, -0.5, 0.2], [0, 1, 2, 3, 4], 120),
    "logit": (oracle.Model("logit", (1, 1)), [-2.0, 0.3, 1.5, 0.3, 0.2], [0, 1, 2, 3, 4, 5], 150),
}


def long_table(subject, time, y, shift: int = 1) -> pd.DataFrame:
    return pd.DataFrame({"id": np.asarray(subject) + shift, "t": time, "y": y})


def arguments(model: oracle.Model) -> dict:
    """The package's arguments for an oracle model."""
    return {
        "groups": model.n_groups, "order": list(model.order), "family": model.family,
        "iorder": list(model.iorder) or None, "sigma_by_group": model.sigma_by_group,
        "min": model.lower if np.isfinite(model.lower) else None,
        "max": model.upper if np.isfinite(model.upper) else None,
        "dispersion_by_group": model.dispersion_by_group, "refgroup": model.reference + 1,
        "dropout": list(model.dropout) or None,
    }


def true_data(name: str, seed: int = 7, keep: float = 1.0):
    """subject, time, y of a true model, with some observations left out where keep < 1."""
    model, params, times, n = TRUTH[name]
    rng = np.random.default_rng(seed)
    subject, time, y, _ = oracle.simulate(model, params, n, times, rng)
    here = rng.random(y.size) < keep
    return subject[here], time[here], y[here]


def build(name: str, seed: int = 7, keep: float = 1.0):
    import gbtm

    subject, time, y = true_data(name, seed, keep)
    return gbtm.GBTM.from_formula("y ~ t", long_table(subject, time, y), id="id", **arguments(TRUTH[name][0]))


def other_groups(document, **change):
    """A fit document whose set of groups is another in some fields."""
    return {**document, "group_sets": [{**document["group_sets"][0], **change}]}


def other_outcome(document, **change):
    """A fit document whose outcome is another in some fields."""
    return {**document, "outcomes": [{**document["outcomes"][0], **change}]}


def expand(module, values):
    """(.., U) over the distinct subjects that a module keeps -> (.., N) over all of them."""
    values = values.detach().numpy()
    return values if module.expand is None else values[..., module.expand]


def subject_loglik(module, flat) -> np.ndarray:
    """log L_i (N,) at internal parameters, by the module's public face."""
    module.set_flat(flat)
    return module().detach().numpy()


@pytest.fixture(scope="session")
def fitted():
    """name of a true model -> its fit, once a session (warnings ignored). test_model has it that few starts will do."""
    import gbtm

    done: dict[str, object] = {}

    def get(name: str):
        if name not in done:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", gbtm.GBTMWarning)
                done[name] = build(name).fit(rng=0, n_starts=FEW_STARTS)
        return done[name]

    return get


SLOW_TESTS = Path(__file__).with_name("slow_tests.txt")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what ``slow_tests.txt`` lists as slow; where tests run on several cores, those that share a costly fit stay
    together: it is made once."""
    listed = set(SLOW_TESTS.read_text(encoding="utf-8").splitlines())
    for item in items:
        if item.nodeid.rpartition("tests/python/")[2] in listed:
            item.add_marker(pytest.mark.slow)
        fixtures = item._fixtureinfo.name2fixturedefs
        if "reference" in fixtures and "name" in getattr(getattr(item, "callspec", None), "params", {}):
            item.add_marker(pytest.mark.xdist_group(f"case {item.callspec.params['name']}"))
        elif any(definition[-1].scope == "module" for definition in fixtures.values()):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
