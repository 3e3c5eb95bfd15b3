"""With one group the mixture is a regression: the engine, end to end, against statsmodels and R's own packages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import gbtm
from conftest import needs_r

N, T = 150, 6


def _table() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    t = np.tile(np.linspace(-1, 1, T), (N, 1))
    w = rng.normal(size=(N, T))
    e = rng.uniform(0.5, 2.0, (N, T))
    eta = 0.4 + 0.6 * t + 0.3 * w
    mu = e * np.exp(eta)
    counts = rng.poisson(mu * rng.gamma(1 / 0.7, 0.7, size=mu.shape)).astype(float)
    columns = {
        "negbin": counts, "zinb": counts * (rng.random(mu.shape) > 0.3), "poisson": rng.poisson(mu).astype(float),
        "logit": (rng.random(mu.shape) < 1 / (1 + np.exp(-eta))).astype(float),
        "normal": eta + rng.normal(size=mu.shape), "t": t, "w": w, "e": e,
    }
    table = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
    return table.assign(id=np.repeat(np.arange(N), T), cnorm=np.clip(table["normal"], 0.0, 1.5))


TABLE = _table()
X = sm.add_constant(TABLE[["t", "w"]])


def _fit(family: str, **more) -> gbtm.GBTMResults:
    exposure = "e" if family in ("negbin", "zinb", "poisson") else None
    return gbtm.GBTM.from_formula(
        f"{family} ~ t", TABLE, id="id", groups=1, order=1, family=family, tcov=["w"], exposure=exposure, **more
    ).fit(rng=0)


def _same(res: gbtm.GBTMResults, names: list[str], loglik: float, params, bse, rtol: float = 1e-4) -> None:
    assert res.llf == pytest.approx(loglik, abs=1e-6)
    np.testing.assert_allclose(res.params[names], params, atol=1e-5)
    np.testing.assert_allclose(res.bse[names], bse, rtol=rtol)


CURVE = ["intercept[1]", "t[1]", "w[1]"]


def test_negbin():
    theirs = sm.NegativeBinomial(TABLE["negbin"], X, exposure=TABLE["e"]).fit(method="newton", tol=1e-12, disp=0)
    _same(_fit("negbin"), [*CURVE, "psi"], theirs.llf, theirs.params, theirs.bse)


def test_zinb():
    model = sm.ZeroInflatedNegativeBinomialP(TABLE["zinb"], X, exposure=TABLE["e"], p=2)
    res = _fit("zinb", iorder=0)
    at = res.params[["zero_intercept", *CURVE, "psi"]].to_numpy()
    theirs = model.fit(start_params=at, method="bfgs", maxiter=500, gtol=1e-9, disp=0)
    _same(res, ["zero_intercept", *CURVE, "psi"], theirs.llf, theirs.params, theirs.bse)


@pytest.mark.parametrize("family", ["poisson", "logit"])
def test_generalised_linear_models(family):
    kind = sm.families.Poisson() if family == "poisson" else sm.families.Binomial()
    exposure = TABLE["e"] if family == "poisson" else None
    theirs = sm.GLM(TABLE[family], X, family=kind, exposure=exposure).fit(tol=1e-14)
    _same(_fit(family), CURVE, theirs.llf, theirs.params, theirs.bse)


def test_normal():
    theirs = sm.OLS(TABLE["normal"], X).fit()
    n = len(TABLE)
    ml = np.sqrt((n - 3) / n)  # sigma by maximum likelihood
    _same(_fit("normal"), CURVE, theirs.llf, theirs.params, theirs.bse * ml)


def _r(script: str) -> np.ndarray:
    from rpy2 import robjects
    from rpy2.robjects import conversion, pandas2ri

    with conversion.localconverter(robjects.default_converter + pandas2ri.converter):
        robjects.globalenv["d"] = TABLE.drop(columns="id")
    return np.asarray(robjects.r(script))


def test_negbin_against_glm_nb():
    needs_r("MASS")
    out = _r("m <- MASS::glm.nb(negbin ~ t + w + offset(log(e)), d, control = glm.control(1e-14, 200));"
             "c(logLik(m), coef(m), 1 / m$theta)")
    res = _fit("negbin")
    assert res.llf == pytest.approx(out[0], abs=1e-6)
    np.testing.assert_allclose(res.params[[*CURVE, "psi"]], out[1:], atol=1e-5)


def test_cnorm_against_survreg():
    needs_r("survival")
    out = _r(
        "low <- ifelse(d$cnorm <= 0, NA, d$cnorm); high <- ifelse(d$cnorm >= 1.5, NA, d$cnorm);"
        "m <- survival::survreg(survival::Surv(low, high, type = 'interval2') ~ t + w, d, dist = 'gaussian',"
        " control = survival::survreg.control(rel.tolerance = 1e-14)); c(logLik(m), coef(m), m$scale,"
        " sqrt(diag(vcov(m))))"
    )
    res = _fit("cnorm", min=0.0, max=1.5)
    assert res.llf == pytest.approx(out[0], abs=1e-6)
    np.testing.assert_allclose(res.params[[*CURVE, "sigma"]], out[1:5], atol=1e-5)
    np.testing.assert_allclose(res.bse[CURVE], out[5:8], rtol=1e-4)
    np.testing.assert_allclose(res.bse["sigma"] / res.params["sigma"], out[8], rtol=1e-4)
