"""Step three's reference: simulated people, step one fitted to them, and the problems that the numbers are of."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd

import gbtm
from conftest import OWN
from gbtm.step_three.cox import CoxStructure
from gbtm.step_three.linear_predictor import Design, LinearPredictor
from gbtm.step_three.outcome_models import OUTCOME_MODELS
from gbtm.step_three.problem import DistalStructure, MembershipStructure, Problem
from gbtm.step_three.step_one import StepOne

FOLDER = OWN / "distal"
DATA = ("d1_normal_k2", "d2_zip_k3", "d3_logit_k3")
MODELS = {  # family, outcome, covariates, each group's own sigma
    "normal_equal_sigma": ("normal", "o_normal", [], False), "normal": ("normal", "o_normal", [], True),
    "normal_equal_sigma_covariates": ("normal", "o_normal", ["v1", "v2"], False),
    "normal_covariates": ("normal", "o_normal", ["v1", "v2"], True), "binary": ("logit", "o_binary", [], False),
    "binary_covariates": ("logit", "o_binary", ["v1", "v2"], False), "count": ("poisson", "o_count", [], False),
    "count_covariates": ("poisson", "o_count", ["v1", "v2"], False), "nominal": ("nominal", "o_nominal", [], False),
    "nominal_covariates": ("nominal", "o_nominal", ["v1"], False), "ordinal": ("ordinal", "o_ordinal", [], False),
    "ordinal_covariates": ("ordinal", "o_ordinal", ["v1"], False),
    "exponential": ("exponential", "o_time", ["v1"], False), "weibull": ("weibull", "o_time", ["v1"], False),
    "membership": (None, "z1", ["z2"], False),
}
NAMES = [  # ours -> the reference's
    (r"theta\[(\d)\]", r"theta\1"), (r"(\d): group\[(\d)\]", r"group\2:cat\1"), (r"(\d): (v\d)", r"\2:cat\1"),
    (r"group\[(\d)\]", r"group\1"), (r"sigma\[(\d)\]", r"log_sigma\1"), (r"sigma", "log_sigma"),
    (r"shape", "log_shape"), (r"cut\[0\|1\]", "cut1"), (r"cut\[(\d)\|(\d)\]", r"log_gap\2"),
]


class SharesKnown(DistalStructure):
    """Step one's shares as numbers that nothing moves, as the reference takes them in its standard errors."""

    def objective(self, parameters, evidence, weight):
        return super().objective(parameters, replace(evidence, log_pi=evidence.log_pi.detach()), weight)


@functools.cache
def people(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}_data.csv")


@functools.cache
def posterior(name: str) -> np.ndarray:
    return pd.read_csv(FOLDER / f"{name}_posterior.csv").filter(regex="^P").to_numpy()


def step_one_of(name: str) -> dict:
    return json.loads((FOLDER / f"{name}_step1.json").read_text(encoding="utf-8"))


def long_table(name: str, more: tuple[str, ...] = ()) -> pd.DataFrame:
    wide, times = people(name), step_one_of(name)["times"]
    waves = [wide[["id", *more]].assign(time=t, y=wide[f"y{j + 1}"]) for j, t in enumerate(times)]
    return pd.concat(waves, ignore_index=True)


@functools.cache
def fit_of(name: str):
    """Step one, from the reference's own estimates."""
    said = step_one_of(name)
    more = {"iorder": 0} if said["family"] == "zip" else {}
    model = gbtm.GBTM.from_formula("y ~ time", long_table(name), id="id", groups=said["K"], order=said["order"],
                                   family=said["family"], **more)
    return model.fit(start=said["params"])


@functools.cache
def one_of(name: str) -> StepOne:
    return StepOne.of(fit_of(name))


def rows_of(name: str, model: str) -> np.ndarray:
    _, outcome, covariates, _ = MODELS[model]
    return np.flatnonzero(people(name)[[outcome, *covariates]].notna().all(axis=1).to_numpy())


def problem_of(name: str, model: str, method: str, assignment: str, shares: str = "free") -> Problem:
    """A problem of the reference; ``shares`` "known" as it takes them."""
    family, outcome, covariates, by_group = MODELS[model]
    rows, k = rows_of(name, model), step_one_of(name)["K"]
    here = people(name).iloc[rows]
    n = len(here)
    assignment = "modal" if assignment == "none" else assignment
    if family is None:
        z = np.column_stack([np.ones(n), here["z1"], here["z2"]])
        return Problem(MembershipStructure(z, ("z1", "z2"), k, 0), one_of(name), rows, method, assignment)
    more = {"categories": tuple(str(c) for c in sorted(here[outcome].unique()))} if family.endswith("inal") else {}
    y = here[outcome].to_numpy(float)
    if outcome == "o_time":
        y = np.column_stack([np.zeros(n), y, here["o_event"]])
    outcome_model = OUTCOME_MODELS[family](y, k, by_group=by_group, **more)
    design = Design(np.ones((n, 1)), ("",), here[covariates].to_numpy(float).reshape(n, -1), tuple(covariates))
    predictor = LinearPredictor(design, k, outcome_model.equations, outcome_model.first_is_zero)
    kind = SharesKnown if shares == "known" else DistalStructure
    structure = kind(outcome_model, predictor, mixes=method in ("ml", "two-step"), free_shares=shares == "free")
    return Problem(structure, one_of(name), rows, method, assignment)


def cox_problem(name: str, method: str, assignment: str, shares: str = "free") -> Problem:
    table, k = people(name), step_one_of(name)["K"]
    n = len(table)
    design = Design(np.ones((n, 1)), ("",), table[["v1"]].to_numpy(), ("v1",))
    structure = CoxStructure(
        np.column_stack([np.zeros(n), table["o_time"], table["o_event"]]), LinearPredictor(design, k, ("",), True),
        mixes=method in ("ml", "two-step"), free_shares=shares == "free")
    return Problem(structure, one_of(name), np.arange(n), method, assignment)


def reference_names(problem: Problem) -> list[str]:
    """The parameters as the reference calls them."""
    if isinstance(problem.structure, MembershipStructure):
        found = [re.fullmatch(r"theta(?:_(.*))?\[(\d)\]", n) for n in problem.structure.names]
        return [f"{m[1] or 'const'}:group{m[2]}" for m in found]
    out = []
    for name in problem.structure.names:
        fits = [re.sub(f"^{a}$", b, name) for a, b in NAMES if re.fullmatch(a, name)]
        out.append(fits[0] if fits else name)
    return out


def close_to(found: dict[str, float], reference: pd.Series) -> float:
    """Largest relative difference."""
    return float(np.max(np.abs(reference.index.map(found).to_numpy() / reference.to_numpy() - 1)))
