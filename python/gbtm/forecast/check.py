"""Does the model foretell the next wave as well as simpler and larger ones? Rolling origin, people never trained on."""

from __future__ import annotations

import time as clock
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from ..arguments import checked
from ..checks import check_count, check_seed
from ..compute.progress import Progress, reporter
from ..data.panel import Panel
from ..errors import SpecificationError, warn
from ..fit.fit import Fit
from ..model.known_people import without_known
from ..model.prepared import Prepared
from ..model.squeezed import out_of_interval
from ..resampling.folds import folds_of, units_of
from ..specification.first_groups import first_groups
from ..specification.spec import ModelSpec
from .predictive import Predictive
from .recurrent import recurrent
from .rivals import Fitted, autoregression, carry_forward, family_of
from .rolling import one_step_ahead
from .scores import LARGER_IS_BETTER, Score, all_scores

if TYPE_CHECKING:
    from ..fit.refit import Refit

RIVALS = {"carry": "carried forward", "ar": "autoregression", "rnn": "recurrent network"}
STARTS = 8
LAGS = (1, 2, 3, 5)
HIDDEN = (4, 8)
COMMON = ["id", "time"]


class Model(Protocol):
    """A :class:`gbtm.GBTM`: a model on its data, not fitted."""

    @property
    def prepared(self) -> Prepared: ...


@dataclass(frozen=True, eq=False)
class ForecastCheck:
    """Models compared by how they foretold the same observations of people they were not fitted to.

    Attributes
    ----------
    table : DataFrame by model, the best log score first: what was ``chosen`` in the folds, ``parameters`` (median over
        folds), and each score with its standard error in the column after it, ``log score``, ``log score se``, ..
        (log score and auc: larger is better; crps, brier, rmse: smaller is better; brier and auc are of y > 0)
    paired : DataFrame by model and score: the difference from the model with the best log score and its standard error
    observations : DataFrame, a row an observation foretold: id, time, y, and the log score of each model
    sentence : names the simplest model within one standard error of the best
    scores : of each model its scores by name
    """

    table: pd.DataFrame
    paired: pd.DataFrame
    observations: pd.DataFrame
    sentence: str
    scores: dict[str, dict[str, Score]]

    def __repr__(self) -> str:
        shown = self.table[["chosen", "parameters", *(c for c in self.table if c in LARGER_IS_BETTER)]]
        return f"{shown.round(4).to_string()}\n{self.sentence}"

    def difference(self, one: str, other: str, score: str = "log score") -> tuple[float, float]:
        """The score of one model less that of another, and its standard error by person (paired)."""
        for name in (one, other):
            if name not in self.scores or score not in self.scores[name]:
                known = ", ".join(self.scores[next(iter(self.scores))])
                raise SpecificationError(
                    f"difference: there is no '{score}' of '{name}'.", code="unknown_model", argument="one",
                    way_out=f"Models are {', '.join(self.scores)}; scores {known}.",
                )
        return self.scores[one][score].minus(self.scores[other][score], self.observations["id"].to_numpy())


@checked
def forecast_check(
    models: Fit | Model | Mapping[str, Any], *, against: Sequence[str] | str = ("carry", "ar", "rnn"),
    groups: Sequence[int] | int | None = None, lags: Sequence[int] = LAGS, hidden: Sequence[int] = HIDDEN,
    folds: int = 5, origin: float | None = None, n_starts: int = STARTS, rng: int = 0,
    progress: Progress | bool | None = None,
) -> ForecastCheck:
    """Foretell the next wave, again and again, for people who were not fitted, and compare with other models.

    Parameters
    ----------
    models : a fit or a model, or several by name, of one outcome of the same people
    against : "carry" (the last outcome carried forward), "ar" (an autoregression with a curve over time and the mean of
        all outcomes before), "rnn" (a GRU); none with ``()``
    groups : numbers of groups among which each fold's training people choose by BIC; default the model's own
    lags, hidden : orders L of the autoregression, among which BIC chooses, and numbers of hidden units of the network,
        among which held-out training people choose; both inside each fold
    folds : number of random folds of people
    origin : the first time that is foretold; default half-way through the distinct times
    n_starts : random starts of each fit of groups
    rng : seed of folds, starts and networks; the same seed gives the same digits

    Returns
    -------
    ForecastCheck

    Raises
    ------
    SpecificationError
        ``no_forecast`` for several outcomes, dropout, correlated errors, random effects, several observations at one
        time; ``other_data`` for models of different outcomes.

    Notes
    -----
    Every observation at or after ``origin`` that has one before it is foretold from all of the person's earlier ones,
    posteriors being updated wave by wave. A model whose ``lag("y")`` drops the first wave is scored on what all models
    foretell; where it is the only model, rivals do not see those first waves either: ask for ``lag("y", first=0)``,
    which drops nothing, or give a model without a lag too. Rivals see the outcome, the time and the exposure, and no
    covariates; of counts they are negative binomial.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=1).fit(rng=0)
    >>> check = gbtm.forecast_check(res, against=["carry"], folds=2, n_starts=1)
    >>> sorted(check.table.index)
    ['2 groups', 'carried forward']
    """
    seed = check_seed(rng)
    check_count(folds, "folds", 5, least=2)
    check_count(n_starts, "n_starts", STARTS)
    wanted = [against] if isinstance(against, str) else list(against)
    for name in wanted:
        if name not in RIVALS:
            raise SpecificationError(
                f"against: '{name}' is not known.", code="unknown_model", argument="against",
                way_out=f"Use some of {', '.join(RIVALS)}.",
            )
    built = _built(models)
    if wanted and any(b.spec.outcomes[0].traits.has_levels for b in built.values()):
        raise SpecificationError(
            f"against: {', '.join(wanted)} know nothing of ordered levels, nor of categories.", code="no_forecast",
            argument="against",
            way_out="Compare fits of groups alone: against=().",
        )
    if wanted and any(b.spec.outcomes[0].traits.takes_trials for b in built.values()):
        raise SpecificationError(
            f"against: {', '.join(wanted)} know nothing of trials.", code="no_forecast", argument="against",
            way_out="Compare numbers of groups alone, against=().",
        )
    number = [groups] if isinstance(groups, (int, np.integer)) else groups
    base = max((b.panel for b in built.values()), key=lambda p: p.nobs)
    _refuse_other_data(built, base)
    scored = _common(built, base, origin)
    units, about_clusters = units_of(base, next(iter(models.values())) if isinstance(models, Mapping) else models, None)
    for sentence in about_clusters:
        warn(sentence)
    fold = folds_of(folds, units, seed)
    started, tell = clock.monotonic(), reporter(progress)
    found: dict[str, list[tuple[Fitted, np.ndarray]]] = {}
    for f in range(folds):
        test = base.ids[fold == f]
        for name, one in built.items():
            found.setdefault(name, []).append(_groups(one, test, number, scored, n_starts, seed))
        train, held = (without_known(base.subset(np.flatnonzero(some))) for some in (fold != f, fold == f))
        for name in wanted:
            made = _rival(name, train, held, built[next(iter(built))].spec, lags, hidden, seed)
            found.setdefault(RIVALS[name], []).append((made, _place(held, made.rows, scored)))
        if tell is not None:
            tell(f"fold {f + 1} of {folds}", clock.monotonic() - started)
    return _summary(found, scored)


def _built(models: Any) -> dict[str, Prepared]:
    """The models on their data, by name."""
    from ..record.rebuild import prepared_of

    given = dict(models) if isinstance(models, Mapping) else {"": models}
    out = {}
    for name, model in given.items():
        one = prepared_of(model) if isinstance(model, Fit) else model.prepared
        spec = one.spec
        outcome = spec.outcomes[0]
        why = ("several outcomes" if len(spec.outcomes) > 1 else "a dropout model" if spec.dropout is not None else
               "correlated errors or random effects" if outcome.ar1 or outcome.random_orders is not None else
               "several observations at one time" if one.panel.outcomes[0].n_shared else
               "a time to an event" if spec.event is not None else "")
        if why:
            raise SpecificationError(
                f"models: {name or 'the model'} has {why}, which forecast_check() does not update wave by wave.",
                code="no_forecast", argument="models",
                way_out="Fit it without" + ("." if spec.event is not None else "; res.forecast() has them."),
            )
        out[name or f"{spec.n_groups} group{'s' if spec.n_groups > 1 else ''}"] = one
    if not out:
        raise SpecificationError("models: none.", code="no_model", argument="models", way_out="Give a fit.")
    return out


def _refuse_other_data(built: dict[str, Prepared], base: Panel) -> None:
    for name, one in built.items():
        m = one.panel.outcomes[0]
        if m.name != base.outcomes[0].name or not one.panel.ids.isin(base.ids).all():
            raise SpecificationError(
                f"models: {name} is of another outcome or of other people.", code="other_data", argument="models",
                way_out="Compare models of the same data.",
            )


def _keys(panel: Panel, rows: np.ndarray | None = None) -> pd.MultiIndex:
    m = panel.outcomes[0]
    at = slice(None) if rows is None else rows
    return pd.MultiIndex.from_arrays([panel.ids.to_numpy()[m.subject[at]], m.time[at]], names=COMMON)


def _common(built: dict[str, Prepared], base: Panel, origin: float | None) -> pd.DataFrame:
    """The observations that all models foretell: id, time, y."""
    m = base.outcomes[0]
    levels = np.unique(m.time)
    first = float(levels[levels.size // 2]) if origin is None else float(origin)
    rows = np.flatnonzero((m.previous >= 0) & (m.time >= first))
    keys = _keys(base, rows)
    here = np.ones(rows.size, dtype=bool)
    for one in built.values():
        here &= keys.isin(_keys(one.panel))
    if not here.any():
        raise SpecificationError(
            f"origin: nothing is foretold from {first:g} on.", code="bad_origin", argument="origin",
            way_out=f"Give a time before {levels[-1]:g}.",
        )
    return pd.DataFrame({"y": out_of_interval(m.y[rows[here]], m.squeezed_by)}, index=keys[here])


def _place(panel: Panel, rows: np.ndarray, scored: pd.DataFrame) -> np.ndarray:
    """Where the observations of a panel stand among those that are scored (n,), -1 for none of them."""
    return np.asarray(scored.index.get_indexer(_keys(panel, rows)))


def _groups(
    one: Prepared, test: pd.Index, numbers: Sequence[int] | None, scored: pd.DataFrame, n_starts: int, rng: int
) -> tuple[Fitted, np.ndarray]:
    """Groups fitted to people not in ``test``; their number by BIC."""
    from ..fit.refit import refit

    held = one.panel.ids.isin(test)
    train, new = one.panel.subset(np.flatnonzero(~held)), without_known(one.panel.subset(np.flatnonzero(held)))
    bases = [part.bases["mean"] for part in one.layout.outcomes]
    best: tuple[float, Refit] | None = None
    for k in sorted(numbers or [one.spec.n_groups]):
        fit = refit(train, with_groups(one.spec, k), bases, n_starts=n_starts, rng=rng)
        bic = -2 * fit.loglik + fit.layout.size * np.log(train.n_subjects)
        if best is None or bic < best[0]:
            best = bic, fit
    assert best is not None
    k, layout = best[1].layout.spec.n_groups, best[1].layout
    rows = np.arange(new.outcomes[0].nobs)
    return Fitted(f"K={k}", layout.size, one_step_ahead(best[1], new), rows), _place(new, rows, scored)


def with_groups(spec: ModelSpec, k: int) -> ModelSpec:
    """The model with k groups: the first ones, or further ones like the last."""
    if k <= spec.n_groups:
        return first_groups(spec, k)

    def longer(orders: tuple[int, ...] | None) -> tuple[int, ...] | None:
        return None if orders is None else (*orders, *[orders[-1]] * (k - len(orders)))

    return replace(spec, n_groups=k, outcomes=tuple(
        replace(o, orders=longer(o.orders), zero_orders=o.zero_orders if o.zero_common else longer(o.zero_orders),
                random_orders=longer(o.random_orders)) for o in spec.outcomes))


def _rival(
    name: str, train: Panel, test: Panel, spec: ModelSpec, lags: Sequence[int], hidden: Sequence[int], rng: int
) -> Fitted:
    outcome = spec.outcomes[0]
    family = family_of(outcome)
    if name == "carry":
        made = carry_forward(train, test, family)
    elif name == "ar":
        made = autoregression(train, test, family.name, lags, outcome, rng)
    else:
        made = recurrent(train, test, family, hidden, rng)
    return replace(made, predictive=replace(made.predictive, squeezed_by=train.outcomes[0].squeezed_by))


def _summary(found: dict[str, list[tuple[Fitted, np.ndarray]]], scored: pd.DataFrame) -> ForecastCheck:
    """Tables and the sentence of what was foretold in the folds."""
    y, person = scored["y"].to_numpy(), scored.index.get_level_values("id").to_numpy()
    scores: dict[str, dict[str, Score]] = {}
    rows, observations = {}, scored.reset_index()
    for name, parts in found.items():
        order, predictive = _joined(parts)
        scores[name], log_score = all_scores(predictive.take(np.argsort(order)), y)
        observations[name] = log_score
        chosen = Counter(f.choice for f, _ in parts)
        rows[name] = {
            "chosen": ", ".join(c if len(chosen) == 1 else f"{c} ({n})" for c, n in chosen.most_common()),
            "parameters": int(np.median([f.n_parameters for f, _ in parts])),
        }
        for s, value in scores[name].items():
            rows[name] |= {s: value.value, f"{s} se": value.se(person)}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
    table = table.sort_values("log score", ascending=False, kind="stable")
    best = str(table.index[0])
    gaps = {(name, s): scores[name][s].minus(scores[best][s], person) for name in table.index for s in scores[name]}
    paired = pd.DataFrame(
        list(gaps.values()), columns=["difference", "std err"],
        index=pd.MultiIndex.from_tuples(list(gaps), names=["model", "score"]))
    return ForecastCheck(table, paired, observations, _sentence(table, paired, best), scores)


def _joined(parts: list[tuple[Fitted, np.ndarray]]) -> tuple[np.ndarray, Predictive]:
    """The distributions of all folds' scored observations; components that a fold has fewer of have weight 0."""
    kept = [(f.predictive.take(np.flatnonzero(place >= 0)), place[place >= 0]) for f, place in parts]
    most = max(p.weights.shape[0] for p, _ in kept)

    def wide(a: np.ndarray, n: int, fill: bool) -> np.ndarray:
        a = np.broadcast_to(a, (a.shape[0], n))
        more = np.repeat(a[:1], most - a.shape[0], axis=0)
        return np.vstack([a, more if fill else 0 * more])

    first = kept[0][0]
    joined = replace(
        first, weights=np.hstack([wide(p.weights, p.n, False) for p, _ in kept]), predictors={
            k: np.hstack([wide(p.predictors[k], p.n, True) for p, _ in kept]) for k in first.predictors})
    return np.concatenate([place for _, place in kept]), joined


def _sentence(table: pd.DataFrame, paired: pd.DataFrame, best: str) -> str:
    """The simplest model, by its parameters, within one standard error of the best log score."""
    gap = paired.xs("log score", level="score")
    behind, se = gap["difference"].to_dict(), gap["std err"].to_dict()
    size, order = table["parameters"].to_dict(), [str(n) for n in table.index]
    near = [n for n in order if -behind[n] <= se[n]]
    simplest = min(near, key=lambda n: (size[n], order.index(n)))
    words = f"{best} has the best log score, {table['log score'].to_dict()[best]:.3f} a forecast"
    if simplest == best:
        return f"{words}, and no simpler model than it ({size[best]} parameters) is within one standard error of it."
    return (f"{words}; the simplest model within one standard error of it is {simplest} ({size[simplest]} parameters "
            f"against {size[best]}; difference {behind[simplest]:.3f}, standard error {se[simplest]:.3f}).")
