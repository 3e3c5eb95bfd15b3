"""Fits of people on disk: the numbers of those in memory, the same bits with any workers, and after a loss."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import GBTM, DataError, Panel, SpecificationError
from gbtm.api.disk_results import DiskResults
from same_bits import same_bits

pytest.importorskip("pyarrow")

N, WAVES = 210, 5
LONG = {"id": "id", "time": "t", "outcome": "y"}


def people(family: str) -> pd.DataFrame:
    """Two groups, a wave that the first third missed, and all that a model may ask of people."""
    rng = np.random.default_rng(3)
    d = pd.DataFrame({"id": np.repeat(np.arange(N), WAVES), "t": np.tile(np.arange(WAVES), N) * 1.0})
    each = {"male": rng.integers(0, 2, N), "town": rng.integers(0, 14, N), "part": rng.integers(0, 2, N),
            "w": rng.uniform(0.5, 2.0, N), "late": rng.integers(0, 2, N)}
    d = d.assign(**{k: v[d["id"]] for k, v in each.items()})
    d["x"] = rng.integers(0, 3, len(d)) * 1.0
    d["e"] = rng.choice([0.5, 1.0, 2.0], len(d))
    u = np.where(d["late"] == 1, 1.2, -1.2) + 0.2 * d["t"] - 0.1 * d["x"]
    d["y"] = {
        "normal": lambda: u + rng.normal(size=len(d)),
        "cnorm": lambda: np.clip(u + rng.normal(size=len(d)), -1.0, 2.0),
        "logit": lambda: (rng.random(len(d)) < 1 / (1 + np.exp(-u))) * 1.0,
        "poisson": lambda: rng.poisson(d["e"] * np.exp(u / 2)) * 1.0,
        "zip": lambda: rng.poisson(np.exp(u / 2)) * (rng.random(len(d)) < 0.8) * 1.0,
        "negbin": lambda: rng.poisson(np.exp(u / 2) * rng.gamma(2, 0.5, len(d))) * 1.0,
    }[family]()
    return d[~((d["id"] < N // 3) & (d["t"] == 3))]


def written(d: pd.DataFrame, folder: Path) -> str:
    """In three files, one of them in two row groups."""
    for i, mine in enumerate(np.array_split(np.arange(N), 3)):
        d[d["id"].isin(mine)].to_parquet(folder / f"{i}.parquet", row_group_size=200 if i else None)
    return str(folder / "*.parquet")


FITS: dict[str, tuple[str, dict[str, Any]]] = {
    "normal, covariates, weights": ("normal", {"order": 2, "risk": ["male"], "tcov": ["x"], "weights": "w"}),
    "logit, everybody alike merged": ("logit", {"order": 1}),
    "logit, clusters in strata": ("logit", {"order": 1, "weights": "w", "cluster": "town", "stratum": "part"}),
    "cnorm": ("cnorm", {"order": 1, "min": -1, "max": 2}),
    "poisson, exposure": ("poisson", {"order": 1, "exposure": "e", "risk": "~ C(male)"}),
    "zip": ("zip", {"order": 1, "iorder": 0}),
    "negbin, by value": ("negbin", {"order": 1}),
}


@pytest.mark.parametrize("case", FITS)
def test_fit_on_disk_is_that_in_memory(case: str, tmp_path: Path) -> None:
    family, options = FITS[case]
    d = people(family)
    asked = {"id": "id", "groups": 2, "family": family, **options}
    memory = GBTM.from_formula("y ~ t", data=d, **asked).fit(n_starts=3)
    disk = GBTM.from_formula("y ~ t", data=written(d, tmp_path), **asked).fit(n_starts=3)
    assert isinstance(disk, DiskResults)
    assert disk.llf == pytest.approx(memory.llf, abs=1e-7)
    np.testing.assert_allclose(disk.params, memory.params, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(disk.bse, memory.bse, rtol=1e-6)
    assert (disk.cov_type, disk.df_inference) == (memory.cov_type, memory.df_inference)
    assert list(disk.params.index) == list(memory.params.index)
    for name in ("group_shares", "adequacy", "criteria", "observed_means"):
        pd.testing.assert_frame_equal(getattr(disk, name), getattr(memory, name), rtol=1e-6, atol=1e-7)
    assert disk.entropy == pytest.approx(memory.entropy, abs=1e-7)
    pd.testing.assert_frame_equal(disk.predict(), memory.predict(), rtol=1e-6, atol=1e-7)
    assert disk.adequacy.attrs["notes"] == memory.adequacy.attrs["notes"]
    assert [len(t.data) for t in disk.summary().tables] == [len(t.data) for t in memory.summary().tables]


def test_knots_are_those_of_all_people(tmp_path: Path) -> None:
    """And not of the sample on which starts are tried."""
    rng = np.random.default_rng(8)
    d = pd.DataFrame({"id": np.repeat(np.arange(400), 4)})
    d["age"] = np.round(rng.gamma(3.0, 4.0, len(d)), 1)
    d = d.drop_duplicates(["id", "age"]).sort_values(["id", "age"])
    d["y"] = np.sin(d["age"] / 6) + rng.normal(size=len(d))
    memory = GBTM.from_formula("y ~ bs(age, df=5)", data=d, id="id", groups=1)
    d.to_parquet(tmp_path / "a.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gbtm.disk.disk_panel.SAMPLE", 60)
        disk = GBTM.from_formula("y ~ bs(age, df=5)", data=str(tmp_path / "a.parquet"), id="id", groups=1)
    assert disk.on_disk is not None
    assert disk.on_disk.sample.for_starts.n_subjects == 60
    mine, theirs = (m.layout.outcomes[0].bases["mean"].document for m in (disk, memory))
    assert mine["design"]["factors"] == theirs["design"]["factors"]
    for what in ("times", "columns", "mix"):
        np.testing.assert_array_equal(mine[what], theirs[what])
    a, b = disk.fit(), memory.fit()
    np.testing.assert_allclose(a.params, b.params, rtol=1e-9)
    np.testing.assert_allclose(a.bse, b.bse, rtol=1e-9)


def test_start_values_on_disk(normal: GBTM, fitted: DiskResults) -> None:
    assert normal.fit(start=fitted.params * 1.02).llf == pytest.approx(fitted.llf, rel=1e-11)


@pytest.mark.parametrize("cov_type", ["HC1", "traj", "CR1S"])
def test_other_standard_errors(cov_type: str, tmp_path: Path) -> None:
    d = people("normal")
    asked = {"id": "id", "groups": 2, "order": 1, "cluster": "town", "cov_type": cov_type}
    memory = GBTM.from_formula("y ~ t", data=d, **asked).fit(n_starts=2)
    disk = GBTM.from_formula("y ~ t", data=written(d, tmp_path), **asked).fit(n_starts=2)
    np.testing.assert_allclose(disk.bse, memory.bse, rtol=1e-6)
    assert disk.df_inference == memory.df_inference


@pytest.fixture(scope="module")
def normal(tmp_path_factory: pytest.TempPathFactory) -> GBTM:
    folder = tmp_path_factory.mktemp("normal")
    panel = Panel.from_parquet(written(people("normal"), folder), **LONG, risk=["male"])
    memory = GBTM.from_formula("y ~ t", data=people("normal"), id="id", groups=2, order=1, risk=["male"])
    return GBTM.from_panel(panel, memory.spec)


@pytest.fixture(scope="module")
def fitted(normal: GBTM) -> DiskResults:
    res = normal.fit(n_starts=2)
    assert isinstance(res, DiskResults)
    return res


def test_blocks_that_do_not_fit_into_memory_are_read_again(normal: GBTM, fitted: DiskResults, tmp_path: Path) -> None:
    assert normal.on_disk is not None
    source = normal.on_disk.panel
    poor = Panel.from_parquet([f.path for f in _files(source)], **LONG, risk=["male"], memory=0)
    res = GBTM.from_panel(poor, normal.spec).fit(n_starts=2)
    same_bits(res, fitted)


def _files(panel: Any) -> list[Any]:
    return list(dict.fromkeys(p.file for b in panel.source.blocks for p in b.pieces))


def test_posteriors_are_written_by_block(fitted: DiskResults, tmp_path: Path) -> None:
    d = people("normal")
    memory = GBTM.from_formula("y ~ t", data=d, id="id", groups=2, order=1, risk=["male"]).fit(n_starts=2)
    folder = fitted.posterior_to(tmp_path / "p")
    assert fitted.source is not None
    assert len(list(folder.iterdir())) == fitted.source.n_blocks
    table = pd.read_parquet(folder).set_index("id").sort_index()
    np.testing.assert_allclose(table[["p1", "p2"]], memory.posterior, atol=1e-7)
    np.testing.assert_array_equal(table["group"], memory.assignment)
    with pytest.raises(DataError, match="is there already"):
        fitted.posterior_to(folder)


def test_posteriors_that_cannot_be_written_leave_nothing(fitted: DiskResults, tmp_path: Path) -> None:
    assert fitted.source is not None
    path = Path(_files(fitted.source)[-1].path)
    state, content = path.stat(), path.read_bytes()
    path.unlink()
    try:
        with pytest.raises(DataError, match="cannot be read") as e:
            fitted.posterior_to(tmp_path / "p")
        assert e.value.code == "missing_file"
        assert list(tmp_path.iterdir()) == []
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


@pytest.mark.parametrize(
    "what", ["posterior", "assignment", "resid", "resid_pearson", "fittedvalues", "ids", "simulate", "plot_posteriors"])
def test_what_asks_for_each_person_is_refused_in_words(fitted: DiskResults, what: str) -> None:
    def ask() -> None:
        got = getattr(fitted, what)
        if callable(got):
            got()

    with pytest.raises(SpecificationError, match=r"posterior_to\('folder'\)") as e:
        ask()
    assert e.value.code == "on_disk"


def test_stored_fit_is_small_and_the_same(fitted: DiskResults, tmp_path: Path) -> None:
    path = tmp_path / "fit.json"
    fitted.save(path)
    stored = json.loads(path.read_text())
    assert stored["group_sets"][0]["posterior"] is None
    assert stored["ids"] is None
    assert path.stat().st_size < 30_000
    again = gbtm.load(path)
    assert isinstance(again, DiskResults)
    assert again.summary().as_text() == fitted.summary().as_text()
    again.plot()
    with pytest.raises(SpecificationError, match="does not know where the people are"):
        again.posterior_to(tmp_path / "p")
    assert fitted.source is not None
    again.posterior_to(tmp_path / "p", panel=fitted.source)
    fitted.posterior_to(tmp_path / "q")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "p"), pd.read_parquet(tmp_path / "q"), check_exact=True)
    del stored["on_disk"]
    path.write_text(json.dumps(stored))
    with pytest.raises(DataError):
        gbtm.load(path)


@pytest.mark.parametrize(("options", "argument"), [
    ({"rorder": 0}, "rorder"), ({"ar1": True}, "ar1"),
    ({"out_of_sample": "male"}, "out_of_sample"),
])
def test_models_that_are_not_fitted_on_disk_say_so(options: dict[str, Any], argument: str, tmp_path: Path) -> None:
    files = written(people("normal"), tmp_path)
    with pytest.raises(SpecificationError, match="stay on disk") as e:
        GBTM.from_formula("y ~ t", data=files, id="id", groups=2, order=1, **options)
    assert (e.value.code, e.value.argument) == ("not_on_disk", argument)


def test_times_of_their_own_are_refused(tmp_path: Path) -> None:
    d = people("normal")
    d["t"] += np.random.default_rng(0).uniform(0, 0.5, len(d))
    big = pd.concat([d.assign(id=d["id"] + i * N, t=d["t"] + i * 1e-7) for i in range(3)])
    big.to_parquet(tmp_path / "a.parquet")
    model = GBTM.from_formula("y ~ t", data=str(tmp_path / "a.parquet"), id="id", groups=2, order=1)
    with pytest.raises(SpecificationError, match="Round times") as e:
        model.fit(n_starts=1)
    assert e.value.code == "too_many_cells"


@pytest.mark.parametrize("cov_type", ["HC3", "CR2"])
def test_leverage_is_refused(cov_type: str, tmp_path: Path) -> None:
    model = GBTM.from_formula(
        "y ~ t", data=written(people("normal"), tmp_path), id="id", groups=1, order=0, cluster="town")
    with pytest.raises(SpecificationError, match="do not keep") as e:
        model.fit(cov_type=cov_type)
    assert e.value.code == "not_on_disk"


def test_arguments_of_data_on_disk_are_refused_for_data_in_memory(tmp_path: Path) -> None:
    model = GBTM.from_formula("y ~ t", data=people("normal"), id="id", groups=1, order=0)
    for argument, value in (("executor", 2), ("checkpoint", tmp_path / "c.json")):
        with pytest.raises(SpecificationError, match="goes with data that stay on disk") as e:
            model.fit(**{argument: value})
        assert e.value.argument == argument
    assert not (tmp_path / "c.json").exists()


def test_executor_has_to_be_one(normal: GBTM) -> None:
    with pytest.raises(SpecificationError, match="is no executor") as e:
        normal.fit(executor="two")
    assert e.value.code == "bad_executor"


class Cut(Exception):
    """The fit is cut off."""


class Teller:
    """What is told of progress, and cannot be copied: R's has a lock, as progress bars do."""

    def __init__(self, tell: Callable[[str, float], None]) -> None:
        self.lock, self.tell = threading.Lock(), tell

    def __call__(self, sentence: str, seconds: float) -> None:
        self.tell(sentence, seconds)


def test_fit_that_was_cut_off_goes_on(normal: GBTM, fitted: DiskResults, tmp_path: Path) -> None:
    path = tmp_path / "fit.json"

    def cut(sentence: str, seconds: float) -> None:
        if sentence.startswith("standard errors"):
            raise Cut

    with pytest.raises(Cut):
        normal.fit(n_starts=2, checkpoint=path, progress=Teller(cut))
    before = len(json.loads(path.read_text())["known"])
    assert before >= 3  # passes over the file
    res = normal.fit(n_starts=2, checkpoint=path)
    same_bits(res, fitted)
    known = json.loads(path.read_text())["known"]
    assert len(known) >= before
    with pytest.raises(DataError, match="of another model") as e:
        normal.fit(n_starts=3, checkpoint=path)
    assert e.value.code == "other_checkpoint"
    path.write_text('{"format": "something else"}')
    with pytest.raises(DataError, match="is no checkpoint"):
        normal.fit(n_starts=2, checkpoint=path)


def test_checkpoint_spares_the_passes(normal: GBTM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gbtm.likelihood import derivatives

    calls = []
    real = derivatives._observed
    monkeypatch.setattr(derivatives, "_observed", lambda module, flat: (calls.append(type(module).__name__), real(
        module, flat))[1])
    normal.fit(n_starts=2, checkpoint=tmp_path / "fit.json")
    assert calls.count("BlockMixture") >= 2
    calls.clear()
    normal.fit(n_starts=2, checkpoint=tmp_path / "fit.json")
    assert calls.count("BlockMixture") == 0


def test_file_that_changes_during_a_fit_ends_it(tmp_path: Path) -> None:
    d = people("normal")
    panel = Panel.from_parquet(written(d, tmp_path), **LONG, memory=0)
    model = GBTM.from_panel(panel, GBTM.from_formula("y ~ t", data=d, id="id", groups=2, order=1).spec)

    def change(sentence: str, seconds: float) -> None:
        if "with all subjects" in sentence or sentence.startswith("standard errors"):
            d.head(20).to_parquet(tmp_path / "0.parquet")

    with pytest.raises(DataError, match="has changed since"):
        model.fit(n_starts=2, progress=change)
