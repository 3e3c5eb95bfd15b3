"""Write tests/shared/cases/*.json: what R and Python must both make of the fits beside them.

    python tests/shared/make_cases.py        (after tests/shared/make_fits.py: `make cases`)

The expected numbers are worked out from the documents by tests/shared/formulas.py, in which nothing is the package's. A
file has the name of its fit and a list of cases: `what` is computed, its `arguments`, and what is `expected`, by name;
or the `code` of the error that both languages raise. null is a number that there is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import formulas
from formulas import Function
from stored import Stored, read

HERE = Path(__file__).parent
Case = dict[str, Any]


def case(what: str, expected: dict[str, Any], **arguments: Any) -> Case:
    return {"what": what, "arguments": arguments, "expected": expected}


def error(what: str, code: str, **arguments: Any) -> Case:
    return {"what": what, "arguments": arguments, "code": code}


# -- of every fit ------------------------------------------------------------------------------------------------------


def of_every(fit: Stored) -> Iterator[Case]:
    se = np.sqrt(np.diag(fit.cov))
    for level in (0.95, 0.8):
        z = formulas.stats.norm.isf((1 - level) / 2)
        yield case("estimates", {
            "estimate": fit.b, "se": se, "z": fit.b / se, "p": 2 * formulas.stats.norm.sf(abs(fit.b / se)),
            "lower": fit.b - z * se, "upper": fit.b + z * se,
        }, level=level)
    yield case("criteria", formulas.criteria(fit))
    yield case("group_shares", formulas.group_shares(fit))
    yield case("observed_means", formulas.observed_means(fit))
    yield case("drawn_means", formulas.drawn_means(fit))
    for most in (5, 1000):
        yield case("drawn_lines", formulas.drawn_lines(fit, most), most=most)
    yield case("fitted", {"fitted": formulas.fitted(fit)})
    table = formulas.adequacy(fit)
    if fit.n_groups == 1 or table["avepp"].max() < 1 - 1e-5:  # else the digits of OCC are lost in 1 - AvePP
        yield case("adequacy", table)
    yield from curves(fit)
    yield from comparisons(fit)


def curves(fit: Stored) -> Iterator[Case]:
    seen = np.unique(fit.time)
    between = seen if fit.columns[-1].startswith("bs(") else np.array([0.0, 0.4, 1.7, 2.1, 2.5, 3.0])
    yield case("curve", formulas.curve(fit, seen, 0.95), level=0.95)
    yield case("curve", formulas.curve(fit, between, 0.9), times=between, level=0.9)
    if fit.covariates:
        each = np.linspace(-1, 1.5, between.size * len(fit.covariates)).reshape(between.size, -1)
        yield case("curve", formulas.curve(fit, between, 0.95, each[:1]), times=between, level=0.95, tcov=each[0])
        yield case("curve", formulas.curve(fit, between, 0.95, each), times=between, level=0.95, tcov=each)
    if between is seen:
        yield error("curve", "unknown_time", times=[0.5], level=0.95)
    for level in (0, 1, 95):
        yield error("curve", "bad_level", times=[1.0], level=level)
    yield error("curve", "bad_times", times=[1.0, None], level=0.95)
    yield error("curve", "bad_profile", times=[1.0], level=0.95, tcov=[1.0] * (len(fit.covariates) + 1))


def comparisons(fit: Stored) -> Iterator[Case]:
    """Whether groups share a curve, and membership as odds."""
    if fit.n_groups == 1:
        yield error("equal_curves", "bad_groups")
        yield error("odds_ratios", "one_group", level=0.95)
        return
    yield error("equal_curves", "bad_groups", groups=[1, 1])
    yield error("equal_curves", "bad_groups", groups=[1, fit.n_groups + 1])
    yield case("odds_ratios", formulas.odds_ratios(fit, 0.9), level=0.9)
    yield error("odds_ratios", "bad_level", level=1.0)
    with_curve = [k for k in range(1, fit.n_groups + 1) if any(f"{c}[{k}]" in fit.names for c in fit.columns)]
    if len(with_curve) < fit.n_groups:
        yield error("equal_curves", "no_curve")
    if np.isnan(np.diag(fit.cov)[[n.split("[")[0] in fit.columns for n in fit.names]]).any():
        yield error("equal_curves", "no_standard_error")
        return
    for groups in (with_curve, with_curve[-2:]):
        for level_too in (True, False):
            equal = equalities(fit, groups, level_too)
            yield case("equal_curves", formulas.wald(fit, equal), groups=groups, include_intercept=level_too)


def equalities(fit: Stored, groups: Sequence[int], level_too: bool) -> list[Function]:
    """One function for each coefficient that is to be the same in two groups, or 0 where another group has none."""
    functions: list[Function] = []
    for column in fit.columns if level_too else fit.columns[1:]:
        owners = [f"{column}[{k}]" for k in groups if f"{column}[{k}]" in fit.names]
        if len(owners) < len(groups):
            functions += [lambda b, own=own: b(own) for own in owners]
        else:
            functions += [lambda b, own=own, first=owners[0]: b(first) - b(own) for own in owners[1:]]
    return functions


# -- hypotheses and functions of the parameters ------------------------------------------------------------------------

# Text, and what it means; all of the fit `normal`.
LINEAR: list[tuple[str, list[Function]]] = [
    ("t[1] = t[2]", [lambda b: b("t[1]") - b("t[2]")]),
    ("t^2[2]", [lambda b: b("t^2[2]")]),
    ("x[1] = x[2] = 0.45, x2[1] = -3e-1", [
        lambda b: b("x[1]") - b("x[2]"), lambda b: b("x[2]") - 0.45, lambda b: b("x2[1]") + 0.3]),
    ("2 * (t[1] - x2[1]) / 3 + 1 = -(t[2]), sigma = .7", [
        lambda b: 2 * (b("t[1]") - b("x2[1]")) / 3 + 1 + b("t[2]"), lambda b: b("sigma") - 0.7]),
    ("theta[2]+theta_male[2]*2**-1 = exp(0) * log(1) + sqrt(4) / 2^2", [
        lambda b: b("theta[2]") + b("theta_male[2]") / 2 - 0.5]),
    ("t[1] = 0, 3 * t[1] = 0, x[1] = x2[1], t[1] + x[1] = x2[1]", [
        lambda b: b("t[1]"), lambda b: b("x[1]") - b("x2[1]")]),
]
FUNCTIONS: list[tuple[str | list[str], list[Function]]] = [
    ("-t[2] / (2 * t^2[2])", [lambda b: -b("t[2]") / (2 * b("t^2[2]"))]),
    ("exp(theta[2]), exp(theta[2] + theta_male[2])", [
        lambda b: np.exp(b("theta[2]")), lambda b: np.exp(b("theta[2]") + b("theta_male[2]"))]),
    (["invlogit(theta[2])", "logit(1 / (2 + sigma))"], [
        lambda b: 1 / (1 + np.exp(-b("theta[2]"))), lambda b: -np.log(1 + b("sigma"))]),
    ("-sigma^2 + sqrt(intercept[1] * intercept[2])", [
        lambda b: -(b("sigma") ** 2) + np.sqrt(b("intercept[1]") * b("intercept[2]"))]),
    ("2^sigma**2^-1, sigma ^ x[1] - +3", [
        lambda b: 2 ** (b("sigma") ** 0.5), lambda b: b("sigma") ** b("x[1]") - 3]),
    ("t[2]^2 * log(t^2[2]^-2) - 1.5e1", [lambda b: b("t[2]") ** 2 * np.log(b("t^2[2]") ** -2) - 15]),
    ("intercept[1] + 2*t[1] + 2^2 * t^2[2]", [lambda b: b("intercept[1]") + 2 * b("t[1]") + 4 * b("t^2[2]")]),
]
NONLINEAR: list[tuple[str, float | None, list[Function]]] = [
    ("-t[2] / (2 * t^2[2]) = 2", None, [lambda b: -b("t[2]") / (2 * b("t^2[2]")) - 2]),
    ("exp(t[1]) = exp(t[2]), sigma^2 = 0.5", None, [
        lambda b: np.exp(b("t[1]")) - np.exp(b("t[2]")), lambda b: b("sigma") ** 2 - 0.5]),
    ("exp(theta[2])", 1.0, [lambda b: np.exp(b("theta[2]")) - 1]),
]
# Text that neither language reads, by the code that says why.
UNREADABLE = {
    "bad_expression": [
        "t[1] = ", "t[1] 2", "exp(t[1]", "sin(t[1])", "exp(t[1], t[2])", "", ",", "t[1] == 0", "(t[1]", "t[1](2)",
        "t[1] t[2]", "t[1])", "* t[1]", "exp()",
    ],
    "unknown_parameter": [
        "t[1] @ 2", "2..5 * t[1]", "t[1]; t[2]", "log", "sigma2", "T[1]", "t", "t[3]", "1_000 * t[1]", "0x1 * t[1]",
        "1L", "sigma.2", "t [1]", "`t[1]`",
    ],
}


def hypotheses(fit: Stored) -> Iterator[Case]:
    for text, functions in LINEAR:
        yield case("wald", formulas.wald(fit, functions), hypotheses=text)
        yield case("wald", formulas.wald(fit, functions, 29.0), hypotheses=text, df=29.0)
    yield case("wald", formulas.wald(fit, LINEAR[0][1], float(fit.nobs)), hypotheses=LINEAR[0][0], f=True)
    two = ["t[1] = t[2]", "x[1] = 0.5"]
    both = [*LINEAR[0][1], lambda b: b("x[1]") - 0.5]
    yield case("wald", formulas.wald(fit, both), hypotheses=two)
    rows = np.zeros((2, fit.b.size))
    rows[0, :2], rows[1, -1] = [1, -2], 1
    by_matrix: list[Function] = [lambda b: b(fit.names[0]) - 2 * b(fit.names[1]) - 0.3, lambda b: b(fit.names[-1]) + 1]
    yield case("wald", formulas.wald(fit, by_matrix), matrix=rows, value=[0.3, -1.0])
    for level in (0.95, 0.5):
        for text, functions in FUNCTIONS:
            yield case("delta", formulas.delta(fit, functions, level), function=text, level=level)
    for text, value, functions in NONLINEAR:
        yield case("wald_nonlinear", formulas.wald(fit, functions), function=text, value=value)
        yield case("wald_nonlinear", formulas.wald(fit, functions, 12.0), function=text, value=value, df=12.0)


def refused(fit: Stored) -> Iterator[Case]:
    for code, texts in UNREADABLE.items():
        for text in texts:
            yield error("wald", code, hypotheses=text)
            yield error("delta", code, function=text, level=0.95)
    yield error("wald", "not_linear", hypotheses="t[1] * t[2] = 0")
    yield error("wald", "not_linear", hypotheses="exp(t[1]) = 1")
    yield error("wald", "not_linear", hypotheses="t[1] / 0 = 1")
    yield error("wald", "contradictory", hypotheses="t[1] = 0, t[1] = 1")
    yield error("wald", "bad_hypotheses", hypotheses="t[1] = t[1]")
    yield error("wald", "bad_hypotheses", hypotheses=[])
    yield error("wald", "bad_hypotheses", matrix=np.ones((1, fit.b.size + 1)), value=0.0)
    yield error("wald", "bad_hypotheses", matrix=np.ones((2, fit.b.size)), value=[1.0, 2.0, 3.0])
    yield error("wald", "bad_df", hypotheses="t[1] = 0", df=0.0)
    yield error("wald", "bad_df", hypotheses="t[1] = 0", df=-1.0)
    yield error("wald_nonlinear", "singular_covariance", function="t[1] = 0, exp(t[1]) = 1")
    yield error("wald_nonlinear", "bad_value", function="t[1]", value=[1.0, 2.0])
    yield error("delta", "not_finite", function="log(x2[1])", level=0.95)
    yield error("delta", "not_finite", function="t[1] / 0", level=0.95)
    yield error("delta", "not_finite", function="sqrt(0 * t[1])", level=0.95)
    yield error("delta", "constant_function", function="2", level=0.95)
    yield error("delta", "constant_function", function="t[1] - t[1]", level=0.95)
    yield error("delta", "bad_expression", function="t[1] = 0", level=0.95)


def determined_sums(fit: Stored) -> Iterator[Case]:
    """Two parameters at opposite infinities; 7 of the 20 people with z are in the second group."""
    both = "theta[2] + theta_z[2]"
    value, se = formulas.log_odds_of_counts(7, 13)
    z = formulas.stats.norm.isf(0.025)
    yield case("delta", {"estimate": [value], "se": [se], "lower": [value - z * se], "upper": [value + z * se]},
               function=both, level=0.95)
    p = 7 / 20
    yield case("delta", {"estimate": [p], "se": [p * (1 - p) * se], "lower": [p - z * p * (1 - p) * se],
                         "upper": [p + z * p * (1 - p) * se]}, function=f"invlogit({both})", level=0.95)
    w = ((value + 1) / se) ** 2
    yield case("wald", {"statistic": w, "df": 1, "p": formulas.stats.chi2.sf(w, 1)}, hypotheses=f"{both} = -1")
    w = ((np.exp(value) - 1) / (np.exp(value) * se)) ** 2
    yield case("wald_nonlinear", {"statistic": w, "df": 1, "p": formulas.stats.chi2.sf(w, 1)},
               function=f"exp({both}) = 1", value=None)
    # people's outcomes and their groups have no part of the likelihood in common
    slope, level = (fit.names.index(n) for n in ("t[1]", "intercept[2]"))
    other = np.array([slope, level])
    v = fit.b[other] - [0.2, 9.0]
    w = (value / se) ** 2 + v @ np.linalg.solve(fit.cov[np.ix_(other, other)], v)
    yield case("wald", {"statistic": w, "df": 3, "p": formulas.stats.chi2.sf(w, 3)},
               hypotheses=f"{both} = 0, t[1] = 0.2, intercept[2] = 9, {both} + t[1] = 0.2")
    for text in ("theta[2]", "theta_z[2]", "theta[2] - theta_z[2]", "theta[2] + 2 * theta_z[2]", "theta_z[2] + t[1]"):
        yield error("wald", "no_standard_error", hypotheses=f"{text} = 0")
        yield error("wald", "no_standard_error", hypotheses=f"{both} = 0, {text} = 0")
        yield error("delta", "no_standard_error", function=f"exp({text})", level=0.95)
        yield error("wald_nonlinear", "no_standard_error", function=f"({text})^2 = 1", value=None)


# -- people who were not fitted ----------------------------------------------------------------------------------------


def people(fit: Stored, histories: Sequence[Sequence[float | None]]) -> Case:
    """Each history from time 0 on; None was not seen."""
    subject = [i for i, h in enumerate(histories) for _ in h]
    t = [float(j) for h in histories for j in range(len(h))]
    y = [np.nan if value is None else value for h in histories for value in h]
    p = formulas.posterior(fit, subject, np.array(t), np.array(y))
    table = {"id": [f"p{i}" for i in subject], "t": t, "y": y}
    return case("posterior", {f"group_{k + 1}": p[:, k] for k in range(fit.n_groups)}, newdata=table)


HISTORIES: dict[str, list[list[float | None]]] = {
    "normal_sigma": [[1.0, 2.5], [4.0, None, 5.5], [2.0, 2.5, 3.2, 4.4]],
    "cnorm": [[0.0, 0.0, 5.0], [5.0, None, 4.2, 5.0], [1.5]],
    "poisson_one": [[0.0, 3.0], [1.0]],
    "zip_own": [[0.0, 0.0, 0.0], [2.0, None, 4.0], [0.0, 5.0, 0.0, 1.0]],
    "zip_common": [[0.0, 0.0, 0.0], [2.0, None, 4.0], [0.0, 5.0, 0.0, 1.0]],
    "logit_separated": [[0.0, 1.0, 0.0], [1.0], [1.0, None, 1.0, 0.0]],
}


def cases_of(name: str, fits: dict[str, Stored]) -> list[Case]:
    fit = fits[name]
    found = list(of_every(fit))
    if name == "normal":
        found += [*hypotheses(fit), *refused(fit)]
    if name == "normal_basis":
        same = "bs(t, df=4)[1][1] = bs(t, df=4)[1][2], bs(t, df=4)[4][1] = 0"
        means: list[Function] = [
            lambda b: b("bs(t, df=4)[1][1]") - b("bs(t, df=4)[1][2]"), lambda b: b("bs(t, df=4)[4][1]")]
        found.append(case("wald", formulas.wald(fit, means), hypotheses=same))
    if name == "logit_separated":
        found += [
            error("wald", "no_standard_error", hypotheses="t[2] = 0"),
            error("delta", "no_standard_error", function="exp(t[2])", level=0.95),
            case("wald", formulas.wald(fit, [lambda b: b("t[1]"), lambda b: b("theta[2]")]),
                 hypotheses="t[1] = 0, theta[2] = 0"),
        ]
    if name == "empty_cell":
        found += determined_sums(fit)
    if name == "poisson_one":
        found.append(likelihood_ratio(fits["poisson_level"], fit, "poisson_level"))
    if name in HISTORIES:
        found.append(people(fit, HISTORIES[name]))
    return found


def likelihood_ratio(small: Stored, large: Stored, name: str) -> Case:
    chi2, df = 2 * (large.loglik - small.loglik), large.b.size - small.b.size
    return case("likelihood_ratio", {"statistic": chi2, "df": df, "p": formulas.stats.chi2.sf(chi2, df)}, smaller=name)


def plain(value: Any) -> Any:
    """As JSON has it: null for what is no number."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def main() -> None:
    folder = HERE / "cases"
    folder.mkdir(exist_ok=True)
    fits = {path.stem: read(path) for path in sorted((HERE / "fits").glob("*.json"))}
    for name in fits:
        with np.errstate(invalid="ignore", divide="ignore"):
            lines = [json.dumps(plain(c), allow_nan=False) for c in cases_of(name, fits)]
        (folder / f"{name}.json").write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
