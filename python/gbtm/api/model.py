"""The model a user builds: data and specification in, a fit out."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..compute.progress import Progress
from ..data.arrays import panel_of_arrays
from ..data.panel import Panel
from ..data.subjects import levels_of, without_unfitted_levels
from ..design.time_basis import TimeBasis, split_formula
from ..errors import GBTMWarning, SpecificationError
from ..fit.fit_model import fit_as_asked
from ..model.dropout import refuse_without_dropout
from ..model.layout import Layout
from ..model.prepared import Prepared
from ..model.spec import ModelSpec, make_spec
from .results import GBTMResults

if TYPE_CHECKING:
    from ..likelihood.mixture import Mixture

class GBTM:
    """Group-based trajectory model.

    Parameters
    ----------
    y : (N, T) array, one row per subject, NaN for missing; or (n,) array with ``id``
    time : (T,) or (N, T) array for wide ``y``; (n,) for long
    id : (n,) array of subject ids for long ``y``; optional (N,) ids for wide
    groups : number of groups K
    order : polynomial order 0 to 5, one for all groups or one per group; -1 for a count group that never happens
    family : "normal" or another name in ``gbtm.families.FAMILIES``; docs/model.md has their densities
    iorder : zip, zinb: order of the zero-inflation polynomial; one value is common to all groups, K are per group
    sigma_by_group : normal, cnorm: one sigma per group
    dispersion_by_group : negbin, zinb: one psi per group
    min, max : cnorm: censoring bounds, each optional
    censor_beyond : cnorm: values beyond a bound count as at the bound
    risk : membership covariates z: (N,) or (N, r) array, or a DataFrame with their names, one row per subject (in the
        order of their ids' first appearance)
    tcov : time-varying covariates w: of the shape of ``y``, or with a further axis for several, or a dict of such by
        name; their effects are each group's own
    exposure : counts: time at risk, of the shape of ``y``; the rate is per unit of it
    weights : (N,) sampling weights, rescaled to mean 1
    cluster, stratum : (N,) labels of the sampling clusters and strata, for standard errors
    out_of_sample : (N,) 1 for subjects that are scored but not fitted
    refgroup : the group whose membership coefficients are 0
    dropout : order of the dropout model, one for all groups or one per group: 0, a constant; 1, the last outcome too;
        2, the last two; -1, none in that group
    dcov : covariates of dropout, given like ``tcov``
    ar1 : normal, cnorm: AR(1) errors within a subject, corr = rho^|difference in time|
    rho_by_group : one rho per group
    rorder : normal, cnorm: random effects of each group: 0, an intercept; 1, a slope over time too; -1, none
    obsmar : (N,) 1 for subjects whose missing waves are missing at random: they say nothing of dropout

    Raises
    ------
    DataError, SpecificationError
        Naming the argument or column, what is wrong with it, and the way out.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> model = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=2, family="normal")
    >>> res = model.fit(rng=0)
    >>> res.assignment.value_counts().tolist()
    [50, 50]
    """

    def __init__(
        self, y: Any, time: Any, id: Any = None, *, groups: int, order: int | Sequence[int] = 2,
        family: str = "normal", iorder: int | Sequence[int] | None = None, sigma_by_group: bool = False,
        min: float | None = None, max: float | None = None, censor_beyond: bool = False,
        dispersion_by_group: bool = False, risk: Any = None, tcov: Any = None, exposure: Any = None,
        weights: Any = None, cluster: Any = None, stratum: Any = None, out_of_sample: Any = None, refgroup: int = 1,
        dropout: int | Sequence[int] | None = None, dcov: Any = None, obsmar: Any = None, ar1: bool = False,
        rho_by_group: bool = False, rorder: int | Sequence[int] | None = None,
    ) -> None:
        refuse_without_dropout(dropout, dcov=dcov, obsmar=obsmar)
        panel = panel_of_arrays(
            y, time, id, tcov=tcov, exposure=exposure, risk=risk, weights=weights, cluster=cluster, stratum=stratum,
            out_of_sample=out_of_sample, dropout=dropout is not None, dcov=dcov, obsmar=obsmar,
        )
        spec = make_spec(
            groups=groups, order=order, family=family, iorder=iorder, sigma_by_group=sigma_by_group, min=min, max=max,
            censor_beyond=censor_beyond, dispersion_by_group=dispersion_by_group, refgroup=refgroup,
            dropout=dropout, ar1=ar1, rho_by_group=rho_by_group, rorder=rorder,
        )
        self.prepared = Prepared.of(panel, spec)

    prepared: Prepared  # the model on its data

    @property
    def panel(self) -> Panel:
        """The subjects that are fitted."""
        return self.prepared.panel

    @property
    def spec(self) -> ModelSpec:
        """What is fitted."""
        return self.prepared.spec

    @property
    def layout(self) -> Layout:
        """Where each parameter stands."""
        return self.prepared.layout

    @classmethod
    def from_prepared(cls, prepared: Prepared) -> GBTM:
        """From a :class:`~gbtm.model.prepared.Prepared`, for example that of a fit."""
        model = cls.__new__(cls)
        model.prepared = prepared
        return model

    @classmethod
    def from_panel(
        cls, panel: Panel, spec: ModelSpec, *, bases: Sequence[TimeBasis | None] | None = None,
        formula: str | None = None, profile: np.ndarray | None = None, inputs: dict[str, Any] | None = None,
    ) -> GBTM:
        """From a :class:`~gbtm.data.panel.Panel` and a :class:`~gbtm.model.spec.ModelSpec`.

        ``profile`` (T, q) are the time-varying covariates at which curves are drawn, wave by wave; default their means.
        ``inputs`` says how the table was read, so that new tables can be.
        """
        return cls.from_prepared(Prepared.of(panel, spec, bases, formula=formula, profile=profile, inputs=inputs))

    @classmethod
    def from_formula(
        cls, formula: str, data: pd.DataFrame, *, id: str | None = None, groups: int,
        order: int | Sequence[int] | None = None, family: str = "normal", iorder: int | Sequence[int] | None = None,
        sigma_by_group: bool = False, min: float | None = None, max: float | None = None, censor_beyond: bool = False,
        dispersion_by_group: bool = False, tcov: str | Sequence[str] | None = None, exposure: str | None = None,
        risk: str | Sequence[str] | None = None, weights: str | None = None, cluster: str | None = None,
        stratum: str | None = None, out_of_sample: str | None = None, refgroup: int = 1,
        dropout: int | Sequence[int] | None = None, dcov: str | Sequence[str] | None = None, obsmar: str | None = None,
        ar1: bool = False, rho_by_group: bool = False, rorder: int | Sequence[int] | None = None,
        wide: Mapping[str, str | Sequence[str] | Sequence[float]] | None = None,
    ) -> GBTM:
        """From a formula ``"outcome ~ time"`` and a table.

        Parameters
        ----------
        formula : ``"offenses ~ age"`` with ``order``, or a basis such as ``"offenses ~ bs(age, df=4)"`` without
        data : long (one row per observation, with ``id``) or wide (one row per subject, with ``wide``)
        risk : membership covariates: column names, or a formula such as ``"~ male + C(region)"``
        tcov, dcov : time-varying covariates: the same in long data, names of ``wide`` in wide data
        exposure, weights, cluster, stratum, out_of_sample, obsmar : column names (exposure: a name of ``wide``)
        wide : what names stand for in wide data: ``{"offenses": "count_*", "age": "age_*"}``, where the time may also
            be a list of numbers, one per wave

        Other parameters as for the class.
        """
        refuse_without_dropout(dropout, dcov=dcov, obsmar=obsmar)
        outcome, time, basis = split_formula(formula, data, wide)
        spec = make_spec(
            groups=groups, order=(2 if order is None else order) if basis is None else order, family=family,
            iorder=iorder, sigma_by_group=sigma_by_group, min=min, max=max, censor_beyond=censor_beyond, basis=basis,
            dispersion_by_group=dispersion_by_group, refgroup=refgroup, dropout=dropout,
            ar1=ar1, rho_by_group=rho_by_group, rorder=rorder,
        )
        data = _fitted_levels(data, outcome, time, id, wide, risk, tcov, dcov, out_of_sample)
        further: dict[str, Any] = {"risk": risk, "weights": weights, "cluster": cluster, "stratum": stratum,
                    "out_of_sample": out_of_sample, "obsmar": obsmar, "dropout": dropout is not None}
        if wide is not None:
            names, leaving = ([c] if isinstance(c, str) else list(c or []) for c in (tcov, dcov))
            inputs: dict[str, Any] = {
                "outcome": wide[outcome], "time": wide[time], "id": id, "name": outcome, "time_name": time,
                "tcov": {n: _in_wide(wide, n, "tcov") for n in names},
                "dcov": {n: _in_wide(wide, n, "dcov") for n in leaving},
                "exposure": None if exposure is None else _in_wide(wide, exposure, "exposure"),
            }
            panel = Panel.from_wide(data, **inputs, **further)
        elif id is None:
            raise SpecificationError(
                "id: long data need the column that tells subjects apart.", code="no_id", argument="id",
                way_out="Give id='column', or wide={...} for data with one row per subject.",
            )
        else:
            inputs = {"id": id, "time": time, "outcome": outcome, "tcov": tcov, "exposure": exposure, "dcov": dcov}
            panel = Panel.from_long(data, **inputs, **further)
        terms = [t for t in (risk, None if wide is not None else tcov, None if wide is not None else dcov) if t]
        read = {
            "form": "long" if wide is None else "wide", **inputs, "risk": risk, "dropout": dropout is not None,
            "levels": levels_of(data, terms),
            "design": {"weights": weights, "cluster": cluster, "stratum": stratum, "out_of_sample": out_of_sample,
                       "obsmar": obsmar},
        }
        return cls.from_panel(panel, spec, formula=formula, inputs=read)

    def module(self) -> Mixture:
        """The likelihood as a ``torch.nn.Module``; its parameters start at a sensible place."""
        import torch

        from ..estimation.starts import StartingPlan
        from ..likelihood.mixture import Mixture

        module = Mixture(self.layout, self.panel)
        with torch.no_grad():
            start = StartingPlan(module, self.panel, np.random.default_rng(0)).next(1)[0]
        module.set_flat(start)
        return module

    def fit(
        self, *, n_starts: int | None = None, rng: int = 0, device: str = "cpu", cov_type: str | None = None,
        start: Any = None, max_starts: int = 256, time_budget: float | None = 60.0,
        progress: Progress | bool | None = None,
    ) -> GBTMResults:
        """Find the best optimum and its standard errors.

        Parameters
        ----------
        n_starts : number of starts; None lets the hit rate decide (at most ``max_starts``) and then rearranges the
            groups of the best optima
        rng : seed; the same seed gives the same digits
        device : torch device
        cov_type : "hessian"; "robust" (sandwich; the default with weights); "cluster" (the default where clusters or
            strata are named); "traj" (Stata traj's convention)
        start : parameters to start from, in the order of ``params`` (that of traj's e(b); group percentages instead
            of theta also accepted), a Series, or a fit with the same number of groups or one less
        time_budget : seconds after which no further round of starts begins
        progress : callable(sentence, seconds), True for lines on stderr, False for silence; None prints only when
            the fit takes more than two seconds in an interactive session

        Returns
        -------
        GBTMResults
        """
        document = fit_as_asked(
            self.prepared, n_starts=n_starts, rng=rng, device=device, cov_type=cov_type, start=start,
            max_starts=max_starts, time_budget=time_budget, progress=progress,
        )
        for finding in document["warnings"]:
            warnings.warn(finding["message"], GBTMWarning, stacklevel=2)
        return GBTMResults(document, trust_formula=True)


def _fitted_levels(
    data: pd.DataFrame, outcome: str, time: str, id: str | None, wide: Mapping[str, Any] | None, risk: Any, tcov: Any,
    dcov: Any, out_of_sample: str | None,
) -> pd.DataFrame:
    """Without the levels of factors that only people held out, people without an outcome, or rows without one have."""
    fitted = np.ones(len(data), dtype=bool)
    if out_of_sample is not None and out_of_sample in data:
        fitted = ~data[out_of_sample].eq(1).to_numpy()
    if wide is not None:  # its time-varying covariates are numbers
        return without_unfitted_levels(data, [risk] if risk else [], fitted)
    if not {outcome, time, id} <= set(data.columns):
        return data
    seen = fitted & data[[outcome, time]].notna().all(axis=1).to_numpy()
    people = pd.Series(seen).groupby(data[id].to_numpy()).transform("any").fillna(False).to_numpy(dtype=bool)
    # a wave that was missed has its say in dropout
    for terms, rows in ((risk, people), (tcov, people if dcov else seen), (dcov, people)):
        data = without_unfitted_levels(data, [terms], rows) if terms else data
    return data


def _in_wide(wide: Mapping[str, Any], name: str, argument: str) -> Any:
    if name not in wide:
        raise SpecificationError(
            f"{argument}: '{name}' does not stand in wide.", code="unknown_column", argument=argument,
            way_out=f"Say which columns it is: wide={{..., '{name}': '{name}_*'}}.",
        )
    return wide[name]
