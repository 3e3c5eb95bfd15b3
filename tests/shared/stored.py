"""A fit document read without the package: base64 of little-endian doubles, by row (docs/fit-document.md)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Stored:
    """What the formulas need of a document.

    Attributes
    ----------
    names, b, cov : the p parameters as reported, their estimates (p,) and covariance (p, p), NaN where there is none
    family, n_groups, reference, bounds : of the model; groups and reference are counted from 1
    columns : of the curve's time part, named as in the parameters without the group
    covariates, profile : names of the q time-varying covariates, and their values (q,) at which curves are drawn
    subject, time, y, wave, w, exposure : per observation; subject and wave are counted from 0, w (n, q) or None
    posterior, weight : (N, K), and (N,) or None
    shares, cov_shares, loglik : as the engine has them
    outcome, internal : the document's own, for where the data do not determine the parameters
    """

    names: list[str]
    b: np.ndarray
    cov: np.ndarray
    family: str
    n_groups: int
    reference: int
    bounds: tuple[float, float]
    columns: list[str]
    covariates: list[str]
    profile: np.ndarray
    subject: np.ndarray
    time: np.ndarray
    y: np.ndarray
    wave: np.ndarray
    w: np.ndarray | None
    exposure: np.ndarray | None
    posterior: np.ndarray
    weight: np.ndarray | None
    shares: np.ndarray
    cov_shares: np.ndarray
    loglik: float
    outcome: dict[str, Any]
    internal: dict[str, Any]

    @property
    def n_subjects(self) -> int:
        return len(self.posterior)

    @property
    def nobs(self) -> int:
        return self.y.size


def decoded(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"f8", "shape"}:
            return np.frombuffer(base64.b64decode(value["f8"]), "<f8").reshape(value["shape"])
        return {k: decoded(v) for k, v in value.items()}
    return [decoded(v) for v in value] if isinstance(value, list) else value


def read(path: Path) -> Stored:
    """The document at ``path``."""
    d = decoded(json.loads(path.read_text(encoding="utf-8")))
    outcome, groups = d["outcomes"][0], d["group_sets"][0]
    spec, data = outcome["spec"], outcome["data"]
    lower, upper = spec["lower"], spec["upper"]
    covariates = outcome["covariates"]
    return Stored(
        names=d["names"], b=d["params"], cov=d["cov_params"], family=spec["family"],
        n_groups=groups["n_groups"], reference=groups["reference"] + 1,
        bounds=(-np.inf if lower is None else lower, np.inf if upper is None else upper),
        columns=outcome["bases"]["mean"]["names"], covariates=[] if covariates is None else covariates["names"],
        profile=np.zeros(0) if covariates is None else np.asarray(outcome["profile"]["values"])[0],
        subject=data["subject"].astype(int), time=data["time"], y=data["y"], wave=data["wave"].astype(int),
        w=data["covariates"], exposure=data["exposure"], posterior=groups["posterior"], weight=d["weights"],
        shares=groups["shares"], cov_shares=groups["cov_shares"], loglik=d["loglik"],
        outcome=outcome, internal=d["internal"],
    )
