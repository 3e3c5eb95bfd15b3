"""Does a flexible membership predict people it has not seen better than the multinomial logit, and by how much?"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ..arguments import checked
from ..checks import check_count, check_seed
from ..compute.progress import Progress, reporter
from ..compute.threads import workers
from ..data.panel import Panel
from ..errors import DataError, SpecificationError, warn
from ..estimation.newton import newton
from ..fit.fit import Fit
from ..likelihood.mixture import Mixture
from ..model.known_people import refuse_known
from ..model.prepared import Prepared
from ..record.document import decode, encode, save_text, text_of
from ..record.rebuild import prepared_of
from ..resampling.folds import folds_of, units_of
from .membership_network import MembershipNetwork, MembershipWeights
from .partial_dependence import partial_dependence
from .training import People, best_start, choose_ridge, climb, fresh, logliks, stop_early

FORMAT = "gbtm-linearity-check-1"
WAYS = ("no covariates", "multinomial logit", "network")
COLUMNS = ("parameters", "held_out", "difference", "se")
RIDGES = (0.3, 1.0, 3.0, 10.0)
NETWORKS = 3  # first weights that are tried
SURE = 1.96  # standard errors beyond which a difference is one
STEPS = 80


@checked
@dataclass(frozen=True, repr=False, eq=False)
class LinearityCheck:
    """How well three memberships predict people they were not trained on.

    Attributes
    ----------
    table : by membership the number of its ``parameters`` (of the membership alone), the held-out log-likelihood per
        person, and its ``difference`` from the multinomial logit's with its standard error ``se`` (paired by person;
        over clusters where there are)
    by_subject : (N, 3) DataFrame by id, log L_i under each membership trained without person i's fold
    ridge : of the network trained on all people; NaN with early stopping. ``ridges`` are those of the folds
    network, logit : of all people; ``network.probabilities(z)`` predicts
    dependence : by covariate and value, the groups' mean probabilities if everybody had that value, by the network and
        by the logit
    sentence : what the table says
    """

    table: pd.DataFrame
    by_subject: pd.DataFrame
    ridge: float
    ridges: tuple[float, ...]
    network: MembershipWeights
    logit: MembershipWeights
    dependence: pd.DataFrame
    sentence: str

    def __repr__(self) -> str:
        return f"{self.table.round(4).to_string()}\n\n{self.sentence}"

    def save(self, path: str | Path) -> None:
        """Write it to a file that :func:`gbtm.load_linearity_check` reads; numbers alone, to the last bit."""
        save_text(json.dumps(encode(self.document)), path)

    @property
    def document(self) -> dict[str, Any]:
        """As a dictionary of plain values and arrays."""
        groups = [int(g) for g in self.dependence.columns.unique("group")]
        return {
            "format": FORMAT, "table": {name: self.table[name].to_numpy(dtype=float) for name in COLUMNS},
            "ids": [str(i) for i in self.by_subject.index], "by_subject": self.by_subject.to_numpy(),
            "ridge": self.ridge, "ridges": list(self.ridges), "network": self.network.document,
            "logit": self.logit.document, "groups": groups, "dependence": self.dependence.to_numpy(),
            "covariate": list(self.dependence.index.get_level_values("covariate")),
            "value": np.asarray(self.dependence.index.get_level_values("value"), dtype=float),
            "sentence": self.sentence,
        }


@checked
def load_linearity_check(path: str | Path) -> LinearityCheck:
    """Read what :meth:`LinearityCheck.save` wrote; ids are text then. Nothing in the file is executed.

    Raises
    ------
    DataError
        ``bad_document`` for another file.
    """
    try:
        stored = decode(json.loads(text_of(path)))
        if stored["format"] != FORMAT:
            raise ValueError
        index = pd.MultiIndex.from_arrays([stored["covariate"], stored["value"]], names=["covariate", "value"])
        columns = pd.MultiIndex.from_product([WAYS[:0:-1], stored["groups"]], names=["membership", "group"])
        table = pd.DataFrame(stored["table"], index=pd.Index(list(WAYS), name="membership"))
        return LinearityCheck(
            table.astype({"parameters": int}), pd.DataFrame(stored["by_subject"], stored["ids"], list(WAYS)),
            float(stored["ridge"]), tuple(stored["ridges"]), MembershipWeights.of(stored["network"]),
            MembershipWeights.of(stored["logit"]), pd.DataFrame(stored["dependence"], index, columns),
            str(stored["sentence"]))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        raise DataError(
            f"path: {str(path)!r} holds no linearity check.", code="bad_document", argument="path",
            way_out="Give a file that LinearityCheck.save() wrote.",
        ) from None


@checked
def linearity_check(
    res: Fit, *, hidden: int = 8, ridge: float | Sequence[float] = RIDGES, early_stopping: bool = False,
    folds: int | Sequence[Any] | np.ndarray = 5, rng: int = 0, progress: Progress | bool | None = None,
) -> LinearityCheck:
    """Check whether membership is linear in the covariates, against a network that need not be.

    The network is ``pi(z) = softmax(V tanh(W z + c) + U z + a)`` on standardised covariates, with a linear skip, so
    that the multinomial logit is within it. In each fold of people the groups' curves and the membership are trained
    together on the others, and the fold is predicted. It is a check of the logit, no model to report: where the network
    predicts better, look at its partial dependence for what the logit misses, and add squares or interactions to
    ``risk``.

    Parameters
    ----------
    res : a fit with membership covariates (``risk``)
    hidden : hidden units
    ridge : half the ridge times the squared weights into and out of hidden units is subtracted from the log-likelihood;
        of several, that which predicts best by cross-validation within the people trained on
    early_stopping : no ridge, but training that stops by a sixth of the people trained on
    folds : number of folds of people (whole clusters), or the fold of each person (N,)
    rng : seed of the folds and of the first weights
    progress : as for :meth:`gbtm.GBTM.fit`

    Raises
    ------
    SpecificationError
        ``no_covariates`` without membership covariates, ``dual`` for two sets of groups, ``bad_ridge``.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> data["z"] = data["id"] % 7
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2, risk=["z"]).fit(n_starts=2)
    >>> check = gbtm.linearity_check(res, hidden=2, ridge=1.0, folds=2)
    >>> list(check.table.index)
    ['no covariates', 'multinomial logit', 'network']
    """
    check_count(hidden, "hidden", 8)
    seed, ridges, tell = check_seed(rng), _ridges(ridge), reporter(progress)
    if res.spec.is_dual or res.spec.n_groups < 2 or not res.group_sets[0].membership.covariate_names:
        raise SpecificationError(
            "res: it has no one set of groups with membership covariates.", code="no_covariates", argument="res",
            way_out="Fit with risk=, for example risk=['sex', 'age0'], and two groups or more.",
        )
    begun = time.monotonic()
    whole = prepared_of(res)
    refuse_known(whole.panel, "res", "and a network is trained to tell the groups of all.",
                 "Leave known out of the fit, with start the estimates.")
    names, z = whole.panel.subjects.risk_names, whole.panel.subjects.risk
    plain = without_covariates(whole)
    units, about_clusters = units_of(whole.panel, res, None)
    for sentence in about_clusters:
        warn(sentence)
    fold = folds_of(folds, units, seed)
    ask = _Question(plain, names, z, units, hidden, ridges, early_stopping, seed)
    logliks_of, chosen = np.empty((z.shape[0], 3)), []
    with workers():
        first = ask.curves(plain.panel, torch.as_tensor(_curves_of(res, plain)))
        for f in range(int(fold.max()) + 1):
            held = np.flatnonzero(fold == f)
            logliks_of[held], used = ask.predicted(held, first)
            chosen.append(used)
            if tell is not None:
                tell(f"fold {f + 1} of {int(fold.max()) + 1}", time.monotonic() - begun)
        everybody = np.arange(z.shape[0])
        logit, network, ridge_of_all = ask.trained(everybody, first)
    by_subject = pd.DataFrame(logliks_of, index=whole.panel.ids, columns=list(WAYS))
    weight = whole.panel.subjects.relative_weights
    table = _table(logliks_of, weight, units, [res.n_groups - 1, logit[0].size, network[0].size])
    of_all = network[0].weights(), logit[0].weights()
    return LinearityCheck(
        table, by_subject, ridge_of_all, tuple(chosen), *of_all,
        partial_dependence(*of_all, z, weight, list(res.group_names)), _sentence(table, hidden))


def without_covariates(prepared: Prepared) -> Prepared:
    """The same model with shares that do not depend on anything."""
    known = replace(
        prepared.panel.subjects, risk=np.zeros((prepared.panel.n_subjects, 0)), risk_names=(), risk_design=None,
        risk_levels=())
    bases = [part.bases["mean"] for part in prepared.layout.outcomes]
    return Prepared.of(replace(prepared.panel, known=known), prepared.spec, bases)


def _curves_of(res: Fit, plain: Prepared) -> np.ndarray:
    """Internal parameters of the model without covariates at the fit's curves and mean shares."""
    layout = plain.layout
    params = np.zeros(layout.size)
    own = [j for j, n in enumerate(layout.names) if n in res.params.index and j < layout.theta.start]
    params[own] = res.params[[layout.names[j] for j in own]]
    shares = np.clip(res.posterior.to_numpy().mean(axis=0), 1e-6, None)
    others = [g for g in range(layout.n_groups) if g != layout.reference]
    params[layout.theta] = np.log(shares[others] / shares[layout.reference])
    return layout.unreport(params)


@dataclass(frozen=True, eq=False)
class _Question:
    """What is asked of every fold."""

    plain: Prepared
    names: tuple[str, ...]
    z: np.ndarray
    units: np.ndarray
    hidden: int
    ridges: tuple[float, ...]
    early: bool
    seed: int

    def curves(self, panel: Panel, start: Tensor) -> Tensor:
        """Parameters (p,) of the model without covariates, climbed to from ``start``."""
        module = Mixture(self.plain.layout, panel)
        return newton(module, start[None], steps=STEPS, tolerance=1e-9).flat[0]

    def people(self, rows: np.ndarray) -> People:
        panel = self.plain.panel.subset(rows)
        return People(Mixture(self.plain.layout, panel), self.z[rows], panel.subjects.relative_weights,
                      self.units[rows])

    def trained(
        self, rows: np.ndarray, first: Tensor
    ) -> tuple[tuple[MembershipNetwork, Tensor], tuple[MembershipNetwork, Tensor], float]:
        """The logit and the network, each with the curves' parameters, trained on people; and the ridge."""
        people = self.people(rows)
        shares = people.module.log_shares(first[None])[0, :, 0].exp().numpy()
        logit = fresh(people, self.names, 0, shares, self.seed)
        with_logit = climb(logit, people, 0.0, first)[0]
        if self.early:
            network, with_network = stop_early(people, self.names, self.hidden, shares, first, self.seed)
            return (logit, with_logit), (network, with_network), float("nan")
        ridge = choose_ridge(people, self.names, self.hidden, shares, with_logit, self.ridges, self.seed)
        seeds = [self.seed + s for s in range(NETWORKS)]
        network = best_start(people, self.names, self.hidden, shares, with_logit, ridge, seeds)
        return (logit, with_logit), (network, climb(network, people, ridge, with_logit)[0]), ridge

    def predicted(self, held: np.ndarray, first: Tensor) -> tuple[np.ndarray, float]:
        """log L_i (n, 3) of people under each membership trained on the others, and the ridge."""
        rest = np.setdiff1d(np.arange(self.z.shape[0]), held)
        curves = self.curves(self.plain.panel.subset(rest), first)
        logit, network, ridge = self.trained(rest, curves)
        judged = self.people(held)
        out = []
        with torch.no_grad():
            alone = torch.logsumexp(judged.group_loglik(curves) + judged.module.log_shares(curves[None])[0], dim=0)
            out.append(alone)
            for trained, flat in (logit, network):
                out.append(logliks(trained, trained.standardised(judged.z), judged.group_loglik(flat)))
        return torch.stack(out, dim=1).numpy(), ridge


def _ridges(ridge: float | Sequence[float]) -> tuple[float, ...]:
    values = np.atleast_1d(np.asarray(ridge, dtype=float))
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all() or (values < 0).any():
        raise SpecificationError(
            f"ridge: {ridge!r} is no number, 0 or more.", code="bad_ridge", argument="ridge",
            way_out="For example ridge=1.0, or several to choose from, ridge=(0.3, 1, 3, 10).",
        )
    return tuple(float(v) for v in values)


def _table(values: np.ndarray, weight: np.ndarray, units: np.ndarray, sizes: list[int]) -> pd.DataFrame:
    share = weight / weight.sum()
    gap = values - values[:, [1]]
    totals = np.stack([np.bincount(units, share * g) for g in gap.T], axis=1)
    se = np.sqrt(totals.shape[0]) * totals.std(axis=0, ddof=1)
    return pd.DataFrame(
        {"parameters": sizes, "held_out": share @ values, "difference": share @ gap, "se": se},
        index=pd.Index(list(WAYS), name="membership"))


def _sentence(table: pd.DataFrame, hidden: int) -> str:
    gain, se = (float(v) for v in table.loc["network", ["difference", "se"]].to_numpy())
    whose = f"A network of {hidden} hidden units predicts people it has not seen"
    by = f"{abs(gain):.4f} log-likelihood per person (standard error {se:.4f})"
    if gain > SURE * se:
        return (f"{whose} better than the multinomial logit, by {by}: membership is not linear in the covariates. Look "
                "at the partial dependence for what the logit misses, and add squares or interactions to risk.")
    if gain < -SURE * se:
        return f"{whose} worse than the multinomial logit, by {by}: nothing speaks against the logit."
    return (f"{whose} no better than the multinomial logit (difference {gain:+.4f} per person, standard error "
            f"{se:.4f}): nothing speaks against the logit.")
