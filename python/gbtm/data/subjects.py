"""What is known of each subject besides its measures: membership covariates, sampling weight, cluster, stratum."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from ..columns.formula_design import FormulaDesign, covariate_columns
from ..columns.formula_variables import term_columns
from ..columns.reading import MAX_SHOWN, number_array, numeric, plain_labels, require, require_columns
from ..errors import DataError, warn
from .event_times import FIRST, TIME, EventColumns, event_of_people
from .known_groups import known_columns, known_of_array, known_of_table
from .labels import own_names


@dataclass(frozen=True)
class Subjects:
    """One row per subject, aligned with ``Panel.ids``; NaN for missing.

    Attributes
    ----------
    risk : (N, r) membership covariates z without the constant
    risk2 : (N, r2) those of the second set of groups given the first, of a dual model
    risk_names, risk2_names : their names
    risk_design, risk2_design : how they are made of a table, where they were
    risk_levels : of each factor among them its name, its levels, and the first of its columns: one a level, without
        the first level; where there is no ``risk_design`` that says so
    weights : (N,) sampling weights, or None
    cluster, stratum : (N,) codes 0.. of sampling clusters (PSU) and strata, -1 for missing, or None
    held_out : (N,) bool, subjects that are scored but not fitted, or None
    missing_at_random : (N,) bool, subjects whose absence is no dropout, or None
    known_groups, known_groups2 : (N, 1) or (N, K), whose group is known, see :mod:`gbtm.data.known_groups`, or None;
        the latter of the second set of groups of a dual model
    event : (N, 4 + q) of a time to an event, see :func:`gbtm.data.event_times.checked_event`, or None
    event_names, event_design : of its covariates, as for ``risk``
    """

    risk: np.ndarray
    risk_names: tuple[str, ...] = ()
    risk_design: FormulaDesign | None = None
    risk_levels: tuple[tuple[str, tuple[str, ...], int], ...] = ()
    weights: np.ndarray | None = None
    cluster: np.ndarray | None = None
    stratum: np.ndarray | None = None
    held_out: np.ndarray | None = None
    missing_at_random: np.ndarray | None = None
    known_groups: np.ndarray | None = None
    known_groups2: np.ndarray | None = None
    risk2: np.ndarray | None = None
    risk2_names: tuple[str, ...] = ()
    risk2_design: FormulaDesign | None = None
    event: np.ndarray | None = None
    event_names: tuple[str, ...] = ()
    event_design: FormulaDesign | None = None

    @classmethod
    def nothing(cls, n_subjects: int) -> Subjects:
        """Nothing is known of any of the subjects."""
        return cls(risk=np.zeros((n_subjects, 0)))

    @property
    def n_subjects(self) -> int:
        return self.risk.shape[0]

    def take(self, keep: np.ndarray) -> Subjects:
        """Some of the subjects, by position or mask."""
        return replace(self, **{name: a[keep] for name, a in self.arrays.items()})

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """All that is known, by name, each with N rows."""
        named = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: a for name, a in named.items() if isinstance(a, np.ndarray)}

    @property
    def second_risk(self) -> np.ndarray:
        """(N, r2) ``risk2``, without columns where there are none."""
        return np.zeros((self.n_subjects, 0)) if self.risk2 is None else self.risk2

    @property
    def known_sets(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Whose group is known, of either set of groups."""
        return self.known_groups, self.known_groups2

    @property
    def risk_factors(self) -> list[tuple[str, tuple[Any, ...], tuple[int, ...], np.ndarray]]:
        """Of each factor of ``risk`` its name, its levels, its columns, and each subject's level (N,), -1 for none."""
        found = []
        for name, levels, first in self.risk_levels:
            columns = tuple(range(first, first + len(levels) - 1))
            found.append((name, levels, columns, _codes(self.risk[:, columns], np.eye(len(levels))[:, 1:])))
        design = self.risk_design
        if design is None:
            return found
        parts = [(j, p[0]) for j, (_, scale, p) in enumerate(design.columns) if len(p) == 1 and scale == 1.0]
        for at, factor in enumerate(design.factors):
            own = [(j, kind, column) for j, (of, kind, column) in parts if of == at]
            if factor.levels is None or factor.codings is None or not own or len({kind for _, kind, _ in own}) > 1:
                continue
            columns = tuple(j for j, _, _ in own)
            coding = factor.codings[own[0][1]][:, [column for _, _, column in own]]
            found.append((factor.text.strip("`"), factor.levels, columns, _codes(self.risk[:, columns], coding)))
        return found

    @property
    def complete(self) -> np.ndarray:
        """(N,) bool: nothing that the model needs is missing."""
        good = ~np.isnan(self.risk).any(axis=1) & ~np.isnan(self.second_risk).any(axis=1)
        if self.weights is not None:
            good &= ~np.isnan(self.weights)
        if self.event is not None:
            good &= np.isnan(self.event[:, TIME]) | ~np.isnan(self.event[:, FIRST:]).any(axis=1)
        for codes in (self.cluster, self.stratum):
            if codes is not None:
                good &= codes >= 0
        return good

    @property
    def relative_weights(self) -> np.ndarray:
        """(N,) weights rescaled to mean 1; ones where there are none."""
        return np.ones(self.n_subjects) if self.weights is None else self.weights / self.weights.mean()

    def check(self, ids: pd.Index) -> None:
        """Refuse infinite covariates and weights that are infinite, negative or all zero."""
        for name, z in (("risk", self.risk), ("risk2", self.second_risk)):
            _refuse(name, np.isinf(z).any(axis=1), ids, "infinite membership covariates", "Recode them.")
        if self.weights is not None:
            bad = np.isinf(self.weights) | (self.weights < 0)
            _refuse("weights", bad, ids, "negative or infinite weights", "Weights are 0 or more.")
            if not np.nansum(self.weights) > 0:
                raise DataError(
                    "weights: all are zero or missing.", code="bad_weights", argument="weights",
                    way_out="Give at least one positive weight.",
                )


def _codes(x: np.ndarray, coding: np.ndarray) -> np.ndarray:
    """The row of ``coding`` (L, q) that each row of x (N, q) is, -1 for none."""
    same = np.isclose(x[:, None, :], coding[None]).all(axis=2)
    return np.where(same.any(axis=1), same.argmax(axis=1), -1)


def _refuse(argument: str, bad: np.ndarray, ids: pd.Index, what: str, way_out: str) -> None:
    if bad.any():
        shown = ", ".join(str(i) for i in ids[bad][:MAX_SHOWN])
        raise DataError(
            f"{argument}: {int(bad.sum())} subjects have {what} (id {shown}).", code=f"bad_{argument}",
            argument=argument, way_out=way_out,
        )


def subjects_of(
    data: pd.DataFrame, ids: pd.Index, codes: np.ndarray | None, *,
    risk: str | Sequence[str] | FormulaDesign | None = None,
    weights: str | None = None, cluster: str | None = None, stratum: str | None = None,
    out_of_sample: str | None = None, obsmar: str | None = None,
    risk2: str | Sequence[str] | FormulaDesign | None = None, known: str | Sequence[str] | None = None,
    known2: str | Sequence[str] | None = None,
    event: EventColumns | Mapping[str, Any] | None = None,
) -> Subjects | None:
    """What the user's table says of each subject; None where nothing was asked for.

    Parameters
    ----------
    codes : (n,) subject of each row of long data, -1 for none; None where each row is one subject
    risk, risk2 : membership covariates: column names or a formula such as ``"~ male + C(region)"``
    weights : column of sampling weights
    cluster, stratum : columns that name the sampling cluster (PSU) and the stratum
    out_of_sample : column, 1 for subjects that are scored but not fitted
    obsmar : column, 1 for subjects whose missing waves are missing at random: no dropout
    known, known2 : column with the number of the group of those whose group is known, or a column of weights for each
        group; of the second set of groups of a dual model
    event : the columns of a time to an event
    """
    single = [c for c in (weights, cluster, stratum, out_of_sample, obsmar) if c is not None]
    single += known_columns(known) + known_columns(known2)
    both = {"risk": risk, "risk2": risk2}
    timed = None if event is None else EventColumns.of(event)
    if not single and risk is None and risk2 is None and timed is None:
        return None
    single += [] if timed is None else timed.names
    for column in single:
        require(data, column)
    for name, terms in both.items():
        if isinstance(terms, FormulaDesign):
            require_columns(data, [v for v in terms.variables if v not in data.columns], name)
    if codes is not None:
        wanted = {*single, *([] if timed is None else timed.used_in(data))}
        for terms in both.values():
            wanted |= {*(terms.variables if isinstance(terms, FormulaDesign) else term_columns(terms, data))}
        used = [c for c in data.columns if c in wanted or str(c) in wanted]
        require_columns(data, list(dict.fromkeys(used)))
        data = constant_within(codes, data, used, len(ids), ids)
    z, names, design = covariate_columns(risk, data, "risk")
    z2, names2, design2 = (None, (), None) if risk2 is None else covariate_columns(risk2, data, "risk2")
    of_event, event_names, event_design = (None, (), None) if timed is None else event_of_people(data, timed)
    return Subjects(
        event=of_event, event_names=event_names, event_design=event_design,
        risk=z, risk_names=names, risk_design=design, risk2=z2, risk2_names=names2, risk2_design=design2,
        weights=None if weights is None else numeric(data[weights], weights),
        cluster=None if cluster is None else pd.factorize(data[cluster])[0],
        stratum=None if stratum is None else pd.factorize(data[stratum])[0],
        held_out=None if out_of_sample is None else _flags(numeric(data[out_of_sample], out_of_sample), out_of_sample),
        missing_at_random=None if obsmar is None else _flags(numeric(data[obsmar], obsmar), obsmar),
        known_groups=known_of_table(data, known), known_groups2=known_of_table(data, known2),
    )


def subjects_of_arrays(
    n_subjects: int, *, risk: Any = None, weights: Any = None, cluster: Any = None, stratum: Any = None,
    out_of_sample: Any = None, obsmar: Any = None, risk_levels: Sequence[Sequence[Any]] = (), risk2: Any = None,
    known: Any = None, known2: Any = None, event: Any = None, event_names: Sequence[str] = (),
) -> Subjects | None:
    """The same from arrays with one row per subject; ``risk_levels`` as in :class:`Subjects`."""
    given = {"risk": risk, "risk2": risk2, "weights": weights, "cluster": cluster, "stratum": stratum,
             "out_of_sample": out_of_sample, "obsmar": obsmar, "known": known, "known2": known2,
             "event": event}
    given = {k: v for k, v in given.items() if v is not None}
    if not given:
        return None
    for argument, values in given.items():
        if len(values) != n_subjects:
            raise DataError(
                f"{argument}: {len(values)} values for {n_subjects} subjects.", code="bad_shape", argument=argument,
                way_out="Give one per subject, in the order of their first appearance.",
            )
    z, names = _array_columns(risk, n_subjects, "risk")
    z2, names2 = _array_columns(risk2, n_subjects, "risk2")
    return Subjects(
        risk=z, risk_names=names, risk2=z2 if names2 else None, risk2_names=names2, event=event,
        event_names=tuple(event_names),
        risk_levels=tuple((str(n), tuple(map(str, levels)), int(first)) for n, levels, first in risk_levels),
        weights=None if weights is None else number_array(weights, "weights"),
        cluster=None if cluster is None else pd.factorize(plain_labels(cluster))[0],
        stratum=None if stratum is None else pd.factorize(plain_labels(stratum))[0],
        held_out=None if out_of_sample is None else _flags(
            number_array(out_of_sample, "out_of_sample"), "out_of_sample"),
        missing_at_random=None if obsmar is None else _flags(number_array(obsmar, "obsmar"), "obsmar"),
        known_groups=known_of_array(known, n_subjects), known_groups2=known_of_array(known2, n_subjects),
    )


def _array_columns(z: Any, n_subjects: int, argument: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Covariates (N, r) and their names, of an array with one row per subject."""
    if z is None:
        return np.zeros((n_subjects, 0)), ()
    columns = number_array(z, argument).reshape(n_subjects, -1)
    return columns, own_names(z) or tuple(f"z{j + 1}" for j in range(columns.shape[1]))


def levels_of(data: pd.DataFrame, terms: Sequence[str | Sequence[str]]) -> dict[str, list[Any]]:
    """The levels of the factors among the columns that ``terms`` use: text, categories, and what stands in C(..)."""
    levels: dict[str, list[Any]] = {}
    for column in map(str, data.columns):
        used = [t for t in terms if column in term_columns(t, data)]
        if not used:
            continue
        factor = any(isinstance(t, str) and re.search(rf"C\(\s*`?{re.escape(column)}`?\s*[,)]", t) for t in used)
        values = data[column]
        if isinstance(values.dtype, pd.CategoricalDtype):
            levels[column] = values.cat.categories.tolist()
        elif factor or not pd.api.types.is_numeric_dtype(values.dtype):
            distinct = values.dropna().unique().tolist()
            try:
                levels[column] = sorted(distinct)
            except TypeError:
                kinds = ", ".join(sorted({type(v).__name__ for v in distinct}))
                raise DataError(
                    f"{column}: its values are of several kinds ({kinds}), which have no order.", code="mixed_column",
                    argument=column, way_out="Make them all text, or all numbers.",
                ) from None
    return levels


def without_unfitted_levels(
    data: pd.DataFrame, terms: Sequence[str | Sequence[str]], fitted: np.ndarray
) -> pd.DataFrame:
    """The table without the levels that no fitted row has: nothing can be estimated for them.

    ``fitted`` (n,) bool. Values of such levels become missing, so that the rows count as incomplete, with a warning.
    """
    levels = levels_of(data, terms)
    out = data
    for column, known in levels.items():
        here = set(data[column][fitted].dropna())
        lost = [level for level in known if level not in here]
        if not lost or not here:
            continue
        values = data[column].where(data[column].isin(here) | data[column].isna())
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.cat.remove_categories(lost)
        count = int((values.isna() & data[column].notna()).sum())
        if count:
            warn(
                f"{column}: {', '.join(map(repr, lost[:5]))} occurs in no row that is fitted; {count} rows count as "
                "without a value."
            )
        out = out.assign(**{column: values})
    return out


def _flags(values: np.ndarray, column: str) -> np.ndarray:
    if not np.isin(values[~np.isnan(values)], (0, 1)).all():
        raise DataError(
            f"{column}: not 0 or 1 throughout.", code="bad_flag", argument=column,
            way_out="1 marks the subjects it applies to.",
        )
    return values == 1


def constant_within(subject: np.ndarray, table: pd.DataFrame, columns: Sequence[str], n_subjects: int,
                    ids: pd.Index) -> pd.DataFrame:
    """One row per subject from long data: what is said of a subject must be the same on all its rows.

    Missing values yield to what another row of the same subject says.
    """
    mine = table[list(dict.fromkeys(columns))][subject >= 0].reset_index(drop=True)
    codes = subject[subject >= 0]
    out: dict[str, Any] = {}
    for name in dict.fromkeys(columns):
        known = mine[name].notna().to_numpy()
        at, values = codes[known], mine[name][known]
        groups = pd.Series(values.to_numpy()).groupby(at)
        varies = groups.nunique() > 1
        if varies.any():
            who = ids[varies.index[varies][0]]
            raise DataError(
                f"{name}: differs between the rows of {int(varies.sum())} subjects (first id {who}).",
                code="not_constant", argument=name,
                way_out="A membership covariate, weight, cluster, known group or time to an event is one per subject; "
                "for a covariate that changes over time use tcov.",
            )
        first = pd.Series(np.full(n_subjects, -1))
        seen, position = np.unique(at, return_index=True)
        first.iloc[seen] = position
        taken = values.reset_index(drop=True).reindex(first.where(first >= 0))
        out[name] = taken.reset_index(drop=True)
    return pd.DataFrame(out, index=pd.RangeIndex(n_subjects))
