"""Other standard errors after a fit of people on disk: those of a fit that asks for them, from the files once more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import GBTM, DataError, SpecificationError
from gbtm.api.disk_results import DiskResults

pytest.importorskip("pyarrow")
N = 150


def people() -> pd.DataFrame:
    rng = np.random.default_rng(9)
    d = pd.DataFrame({"id": np.repeat(np.arange(N), 4), "t": np.tile(np.arange(4), N) * 1.0})
    for name, values in (("w", rng.uniform(0.5, 2, N)), ("town", rng.integers(0, 20, N)), ("x", rng.normal(size=N))):
        d[name] = values[d["id"]]
    group = np.where(rng.random(N) < 1 / (1 + np.exp(-d["x"].to_numpy()[::4])), 1.0, -1.0)[d["id"]]
    d["y"] = np.clip(group + 0.2 * d["t"] + rng.normal(0, 1, len(d)), -2.5, 2.5)
    return d[rng.random(len(d)) < 0.9]


def written(folder: Path, d: pd.DataFrame) -> str:
    for i, mine in enumerate(np.array_split(np.arange(N), 3)):
        d[d["id"].isin(mine)].to_parquet(folder / f"{i}.parquet")
    return str(folder / "*.parquet")


ASKED: dict[str, Any] = {"id": "id", "groups": 2, "family": "cnorm", "min": -2.5, "max": 2.5, "order": 1,
                         "risk": ["x"], "weights": "w", "cluster": "town"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("covariance"), people())


@pytest.fixture(scope="module")
def fitted(files: str) -> DiskResults:
    res = GBTM.from_formula("y ~ t", files, **ASKED).fit(n_starts=2)
    assert isinstance(res, DiskResults)
    return res


@pytest.fixture(scope="module")
def memory() -> gbtm.GBTMResults:
    return GBTM.from_formula("y ~ t", people(), **ASKED).fit(n_starts=2)


@pytest.mark.parametrize("cov_type", ["hessian", "robust", "HC1", "CR1S", "traj"])
def test_other_kinds_are_those_of_the_same_people_in_memory(
    cov_type: str, fitted: DiskResults, memory: gbtm.GBTMResults
) -> None:
    other, theirs = fitted.with_cov_type(cov_type), memory.with_cov_type(cov_type)
    assert fitted.cov_type == "cluster"
    assert (other.cov_type, other.df_inference) == (cov_type, theirs.df_inference)
    np.testing.assert_allclose(other.bse, theirs.bse, rtol=1e-5)
    np.testing.assert_array_equal(other.params, fitted.params)
    np.testing.assert_allclose(other.group_shares["std err"], theirs.group_shares["std err"], rtol=1e-5)
    pd.testing.assert_frame_equal(fitted.cov_params(cov_type), other.cov_params())
    np.testing.assert_array_equal(other.with_cov_type("cluster").bse.round(12), fitted.bse.round(12))


def test_fit_of_a_file_is_told_where_the_people_are(fitted: DiskResults, files: str, tmp_path: Path) -> None:
    fitted.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    assert isinstance(again, DiskResults)
    assert again.with_cov_type("cluster") is again
    with pytest.raises(SpecificationError, match=r"does not know where the people are.*with_cov_type\('robust'") as e:
        again.cov_params("robust")
    assert e.value.code == "no_panel"
    np.testing.assert_allclose(
        again.cov_params("robust", panel=files), fitted.cov_params("robust"), rtol=1e-9, atol=1e-14)
    assert again.with_cov_type("robust", panel=files).with_cov_type("HC1").cov_type == "HC1"


@pytest.mark.parametrize(("change", "words"), [
    (lambda d: d[d["id"] > 3], "other people"), (lambda d: d.assign(y=d["y"] * 0.99), "other values")])
def test_other_people_are_refused(change: Any, words: str, fitted: DiskResults, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words) as e:
        fitted.with_cov_type("robust", panel=written(tmp_path, change(people())))
    assert e.value.code == "other_people"


def test_leverage_and_unknown_kinds_are_refused(fitted: DiskResults) -> None:
    for kind, code in (("HC3", "not_on_disk"), ("CR2", "not_on_disk"), ("huber", "bad_cov_type")):
        with pytest.raises(SpecificationError) as e:
            fitted.with_cov_type(kind)
        assert (e.value.code, e.value.argument) == (code, "cov_type")


def test_several_outcomes(files: str, tmp_path: Path) -> None:
    d = people()
    d["z"] = np.random.default_rng(1).poisson(1.0 + (d["y"] > 0))
    outcomes = [gbtm.Outcome("y ~ t", order=1), gbtm.Outcome("z ~ t", family="poisson", order=0)]
    disk, memory = (GBTM.from_formula(outcomes, data, id="id", groups=2, weights="w").fit(n_starts=1)
                    for data in (written(tmp_path, d), d))
    np.testing.assert_allclose(disk.with_cov_type("hessian").bse, memory.with_cov_type("hessian").bse, rtol=1e-5)
