"""The examples run and show what they promise."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import gbtm
from conftest import NO_REFERENCE, ROOT, needs_r, reference_root


def _module(name: str):
    path = ROOT / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"example_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_three_ways():
    """The fit gets the coefficients within the noise, in less time than either Adam."""
    head, free, adam, fit = _module("three_ways").main(quick=True)
    assert head.split()[:2] == ["worst", "coef"]
    numbers = [[float(x) for x in re.findall(r"\d+\.\d+", line)[:3]] for line in (free, adam, fit)]
    assert numbers[2][0] < 0.01  # worst coefficient: noise of 0.05 / sqrt(3) on 550 values a group
    assert numbers[2][1] > 99.99  # every person is sure
    assert numbers[2][2] < numbers[0][2]
    assert numbers[0][0] > 3 * numbers[2][0]  # free weights do not determine the curves
    assert "reached the best optimum" in fit


def test_occam(monkeypatch):
    """On data of quadratic curves and linear membership the simple model is not beaten, and covariates matter."""
    occam = _module("occam")
    original = gbtm.cross_validate
    light = {"n_starts": 1, "folds": 3}
    monkeypatch.setattr(gbtm, "cross_validate", lambda model, **given: original(model, **{**given, **light}))
    adam, prior, table = occam.main(quick=True)
    below = float(re.search(r"(\d+\.\d+) of log-likelihood below", adam)[1])
    assert 0 < below < 10
    assert float(re.search(r"by (\d+\.\d+) points", prior)[1]) < 0.5
    assert list(table["parameters"]) == [16, 19, 16, 12]
    assert abs(table.loc["cubic", "difference"]) < 2 * table.loc["cubic", "se"] + 1e-9
    assert table.loc["no covariates", "difference"] < -3 * table.loc["no covariates", "se"]


@pytest.mark.slow
def test_three_ways_command_line():
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "three_ways.py"), "--quick"], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "python")}, check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip().split("\n")) == 4


@pytest.fixture(params=[3, pytest.param(None, marks=pytest.mark.slow)])
def n_starts(request, monkeypatch):
    """The demo's fits make so many starts: a few, or as many as it would make."""
    if request.param:
        original = gbtm.GBTM.fit
        monkeypatch.setattr(gbtm.GBTM, "fit", lambda model, **given: original(model, n_starts=request.param, **given))
    return request.param


def test_demo_liver(tmp_path, n_starts):
    needs_r("survival")
    _module("demo").liver(tmp_path)
    res = gbtm.load(tmp_path / "liver.json")
    assert res.n_groups == 3
    assert res.converged
    assert np.isfinite(res.bse).all()
    assert (tmp_path / "liver-python.png").stat().st_size > 10_000
    assert f"{res.llf:.4f}" in (tmp_path / "liver-python.txt").read_text()


@pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")
def test_demo_toronto(tmp_path, n_starts):
    root = reference_root()
    if root is None or not (root / "to1adj").is_dir():
        pytest.skip(NO_REFERENCE)
    _module("demo").toronto(tmp_path, root)
    text = (tmp_path / "toronto-python.txt").read_text()
    assert "378 observations used" in text
    if not n_starts:
        assert "ll: -11253.56" in text
    assert (tmp_path / "toronto-python.png").exists()


def test_two_outcomes(tmp_path):
    needs_r("survival")
    module = _module("two_outcomes")
    data = module.patients()
    shared = module.shared(data[data["years"] <= 3], tmp_path, n_starts=2)
    assert {"log_bili: years[1]", "albumin: years[3]", "drop1[2]"} <= set(shared.names)
    dual = module.dual(data[data["years"] <= 3], tmp_path, n_starts=2)
    assert dual.set_sizes == (3, 2)
    assert {p.name for p in tmp_path.iterdir()} == {"several-outcomes.png", "dual.png"}


def test_causal(tmp_path, capsys):
    """The interval among people of like trajectories holds the true effect; that of all people does not."""
    import matplotlib.pyplot as plt

    causal = _module("causal")
    with pytest.warns(gbtm.GBTMWarning, match="had it too early"):
        effects = causal.main(tmp_path)
    plt.close("all")
    holds = (effects["lower"] < causal.EFFECT) & (effects["upper"] > causal.EFFECT)
    assert holds["weighted within groups"]
    assert not holds["naive"]
    assert not holds["adjusted for x"]
    assert (tmp_path / "balance.png").stat().st_size > 10_000
    assert {"group", "prob_1", "y@10", "y@13", "gang", "later"} <= set(
        (tmp_path / "matching.csv").read_text(encoding="utf-8").partition("\n")[0].split(","))
    assert "y@14" not in (tmp_path / "matching.csv").read_text(encoding="utf-8").partition("\n")[0]
    assert "The true effect is 1." in capsys.readouterr().out
