"""The panels that both languages ship: their rows, and that they are what their docstrings say drew them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit

import gbtm
from conftest import needs_r
from gbtm import datasets

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = {
    "offending": (1200, ["id", "age", "offenses", "true_group"]),
    "symptoms": (1200, ["id", "month", "score", "female", "true_group"]),
    "smoking": (1680, ["id", "age", "smokes", "parent_smokes", "true_group"]),
    "school": (1440, ["id", "year", "conduct", "absences", "finished", "true_group"]),
    "pathways": (800, ["id", "age", "aggression", "year", "offenses", "hours", "true_child", "true_youth"]),
}
OF_A_PERSON = ["female", "parent_smokes", "finished", "hours", "true_group", "true_child", "true_youth"]


@pytest.mark.parametrize("name", COLUMNS)
def test_rows_and_columns(name):
    data = getattr(datasets, name)()
    assert data.shape == (COLUMNS[name][0], len(COLUMNS[name][1]))
    assert list(data.columns) == COLUMNS[name][1]
    time = data.columns[1]
    assert not data.duplicated(["id", time]).any()
    assert data[["id", time]].equals(data[["id", time]].sort_values(["id", time]))
    constant = [column for column in OF_A_PERSON if column in data]
    assert data[constant].notna().all().all()
    assert (data.groupby("id")[constant].nunique() == 1).all().all()


@pytest.mark.parametrize("name", COLUMNS)
def test_each_call_hands_out_rows_of_its_own(name):
    read = getattr(datasets, name)
    changed = read()
    changed["id"] = 0
    assert read()["id"].nunique() > 100


def test_script_draws_the_files_that_are_shipped(tmp_path):
    needs_r("stats")
    script = ROOT / "data-raw" / "datasets.R"
    subprocess.run(["Rscript", "--vanilla", str(script), str(tmp_path), str(tmp_path)], check=True)
    for name in COLUMNS:
        assert (tmp_path / f"{name}.csv").read_bytes() == (ROOT / f"python/gbtm/datasets/{name}.csv").read_bytes()


def cells_agree(data: pd.DataFrame, by: list[str], y: str, mean, variance) -> None:
    """Mean of ``y`` in each cell beside the true one: the squared z-values are a chi-square draw, within 1 in 1000."""
    cells = data.dropna(subset=[y]).groupby(by)[y].agg(["mean", "size"]).reset_index()
    z = (cells["mean"] - mean(cells)) / np.sqrt(variance(cells) / cells["size"])
    low, high = stats.chi2(len(cells)).ppf([0.0005, 0.9995])
    assert low < (z**2).sum() < high


def of_group(cells: pd.DataFrame, values, group: str = "true_group") -> np.ndarray:
    return np.asarray(values, dtype=float)[cells[group] - 1]


def test_offending_is_zero_inflated_poisson():
    def rate(cells):
        a = cells["age"] - 13
        return np.exp(of_group(cells, [-1.2, 1.0, 1.3]) + of_group(cells, [0, 0, 0.05]) * a
                      - of_group(cells, [0.02, 0.12, 0.02]) * a**2)

    data = datasets.offending()
    assert data.groupby("true_group")["id"].nunique().tolist() == [75, 45, 30]
    assert data["offenses"].isna().sum() == 40
    cells_agree(data, ["true_group", "age"], "offenses", lambda c: 0.75 * rate(c),
                lambda c: 0.75 * (rate(c) + 0.25 * rate(c) ** 2))
    none = data.assign(none=(data["offenses"] == 0).where(data["offenses"].notna()).astype(float))

    def zero(cells):
        return 0.25 + 0.75 * np.exp(-rate(cells))

    cells_agree(none, ["true_group", "age"], "none", zero, lambda c: zero(c) * (1 - zero(c)))


def test_symptoms_are_censored_normal():
    def moment(cells, power):
        """E of the censored score to that power, by Gauss-Legendre over the part between the bounds."""
        mean = of_group(cells, [-0.5, 2, 8.5]) + of_group(cells, [0.2, 1.1, -0.3]) * cells["month"].to_numpy()
        node, weight = np.polynomial.legendre.leggauss(60)
        y = 5 + 5 * node
        inside = (weight * 5 * y**power * stats.norm.pdf(y, mean[:, None], 1.5)).sum(axis=1)
        return inside + 10.0**power * stats.norm.sf(10, mean, 1.5)

    data = datasets.symptoms()
    assert data["score"].between(0, 10).sum() == data["score"].notna().sum()
    cells_agree(data, ["true_group", "month"], "score", lambda c: moment(c, 1),
                lambda c: moment(c, 2) - moment(c, 1) ** 2)
    people = data.drop_duplicates("id")
    assert membership_agrees(people, "female", [(-0.6, 0.8), (-1.4, 1.0)])


def test_smoking_is_logit():
    def chance(cells):
        a = cells["age"] - 15
        return expit(of_group(cells, [-3.5, -1, 1.5]) + of_group(cells, [0.2, 1, 0.5]) * a
                     + of_group(cells, [0, 0, -0.15]) * a**2)

    data = datasets.smoking()
    cells_agree(data, ["true_group", "age"], "smokes", chance, lambda c: chance(c) * (1 - chance(c)))
    assert membership_agrees(data.drop_duplicates("id"), "parent_smokes", [(-0.9, 0.7), (-1.6, 1.2)])


def membership_agrees(people: pd.DataFrame, covariate: str, theta: list[tuple[float, float]]) -> bool:
    """Counts of groups at each value of the covariate beside multinomial ones."""
    statistic = 0.0
    for value, some in people.groupby(covariate):
        odds = np.array([1, *(np.exp(a + b * value) for a, b in theta)])
        expected = len(some) * odds / odds.sum()
        statistic += ((np.bincount(some["true_group"], minlength=4)[1:] - expected) ** 2 / expected).sum()
    return statistic < stats.chi2(2 * (len(odds) - 1)).ppf(0.999)


def test_school_has_two_outcomes_and_a_distal_one():
    data = datasets.school()
    assert data.groupby("true_group")["id"].nunique().tolist() == [130, 70, 40]
    cells_agree(data, ["true_group", "year"], "conduct",
                lambda c: of_group(c, [8, 6.5, 6]) + of_group(c, [0, 0, -0.5]) * (c["year"] - 1),
                lambda c: np.ones(len(c)))

    def rate(cells):
        return np.exp(of_group(cells, [0.5, 0.8, 1.2]) + of_group(cells, [0, 0.25, 0.15]) * (cells["year"] - 1))

    cells_agree(data, ["true_group", "year"], "absences", rate, rate)
    cells_agree(data.drop_duplicates("id"), ["true_group"], "finished", lambda c: of_group(c, [0.9, 0.7, 0.3]),
                lambda c: of_group(c, [0.09, 0.21, 0.21]))


def test_pathways_is_a_dual_model_with_a_distal_outcome():
    data = datasets.pathways()
    cells_agree(data, ["true_child", "age"], "aggression",
                lambda c: of_group(c, [1, 3], "true_child") + of_group(c, [0, 0.2], "true_child") * (c["age"] - 8),
                lambda c: np.ones(len(c)))

    def rate(cells):
        return np.exp(of_group(cells, [-0.8, 1], "true_youth") - 0.1 * (cells["year"] - 15) ** 2)

    cells_agree(data, ["true_youth", "year"], "offenses", rate, rate)
    people = data.drop_duplicates("id").assign(second=lambda d: d["true_youth"] - 1.0)
    assert people["true_child"].value_counts().tolist() == [100, 60]
    cells_agree(people, ["true_child"], "second", lambda c: of_group(c, [0.2, 0.65], "true_child"),
                lambda c: of_group(c, [0.16, 0.2275], "true_child"))
    cells_agree(people, ["true_child", "true_youth"], "hours",
                lambda c: 38 - 2 * (c["true_child"] == 2) - 8 * (c["true_youth"] == 2), lambda c: np.full(len(c), 36.0))


@pytest.mark.parametrize(
    ("name", "formula", "options", "truth"),
    [
        ("symptoms", "score ~ month", {"family": "cnorm", "min": 0, "max": 10, "risk": "~ female"},
         {"intercept[1]": -0.5, "month[1]": 0.2, "intercept[2]": 2, "month[2]": 1.1, "intercept[3]": 8.5,
          "month[3]": -0.3, "sigma": 1.5, "theta_female[2]": 0.8, "theta_female[3]": 1.0}),
        ("school", "absences ~ year", {"family": "poisson"}, {"year[1]": 0, "year[2]": 0.25, "year[3]": 0.15}),
    ],
)
def test_fit_finds_the_truth(name, formula, options, truth):
    model = gbtm.GBTM.from_formula(formula, getattr(datasets, name)(), id="id", groups=3, order=1, **options)
    res = model.fit(n_starts=4, progress=False)
    names = list(res.params.index)
    for parameter, value in truth.items():
        assert parameter in names, names
        assert abs(res.params[parameter] - value) < 3.3 * res.bse[parameter], parameter
