"""The model a user builds: data and specification in, a fit out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import checked
from ..compute.progress import Progress
from ..data.arrays import panel_of_arrays
from ..data.panel import Panel
from ..design.time_basis import TimeBasis
from ..disk.disk_panel import DiskPanel
from ..errors import MissingArgumentError, warn
from ..fit.fit_model import fit_as_asked
from ..fit_on_disk.fit_blocks import fit_blocks, refuse_for_memory
from ..model.layout import Layout
from ..model.prepared import Prepared
from ..model.prepared_blocks import PreparedBlocks
from ..record.on_disk import not_kept
from ..specification.description import DistalOutcome, described, several_described
from ..specification.option import options_of
from ..specification.outcome import Outcome
from ..specification.prior import Prior, as_prior
from ..specification.signature import takes_options
from ..specification.spec import ModelSpec, model_spec
from .common_columns import common_of_arrays
from .disk_results import DiskResults
from .joint_outcome import joint_fit, readable, refuse_elsewhere, with_values
from .load import results_of
from .reading import Wide, read_table
from .reading_disk import on_files, read_files, refuse_no_table
from .reading_several import read_tables

if TYPE_CHECKING:
    from ..likelihood.mixture import Mixture

@checked
class GBTM:
    """Group-based trajectory model.

    Parameters
    ----------
    y : (N, T) array, one row per subject, NaN for missing; or (n,) array with ``id``
    time : (T,) or (N, T) array for wide ``y``, (n,) for long. Without it the times of wide ``y`` are
        the names of its columns where these are numbers, else 1 to T, which the fit tells
    id : (n,) array of subject ids for long ``y``; optional (N,) ids for wide
    cov_type : which standard errors :meth:`fit` gives, unless it is told otherwise
    options : those of an :class:`~gbtm.specification.outcome.Outcome` (family, order, iorder, ..) and of the
        :class:`~gbtm.specification.description.Design` (groups, risk, weights, dropout, ..)

        groups : number of groups K
        order : polynomial order 0 to 5, one for all groups or one per group; -1 for a count group that never happens
        family : "normal" or another name in ``gbtm.families.FAMILIES``; docs/model.md has their densities
        risk : (N,) or (N, r) array, or a DataFrame with their names, one row per subject (in the order of their ids'
        first appearance, or indexed by id or as ``y`` is)
        wave : of the shape of long ``y``
        tcov, common, dcov : of the shape of ``y``, or with a further axis for several, or a dict of such by name;
            ``common`` of wide ``y`` may have one value a person, (N,)
        exposure : of the shape of ``y``
        weights, cluster, stratum, out_of_sample, obsmar : (N,)
        known : (N,) or (N, K)

    Series and DataFrames are matched by their labels: rows by the index of ``y`` or by id, waves by the columns of
    ``y``. An index that names neither is refused; a default one, 0, 1, 2, .., says nothing.

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

    @takes_options
    def __init__(
        self, y: Any, time: Any = None, id: Any = None, *, cov_type: str | None = None, **options: Any,
    ) -> None:
        outcome, design = described(options, others=("y", "time", "id", "cov_type"))
        panel = panel_of_arrays(
            y, time, id, tcov=outcome.tcov, common=outcome.common, exposure=outcome.denominator, dcov=design.dcov,
            dropout=design.dropout is not None, wave=design.wave, repeated=outcome.repeated, **design.of_subjects,
        )
        shared = common_of_arrays(outcome.common, y, panel.outcomes[0].covariate_names)
        self.prepared = Prepared.of(panel, model_spec(outcome, design, common=shared))
        self.cov_type = _known_covariance(cov_type, panel)

    prepared: Prepared  # the model on its data; of people on disk, on a sample of them
    on_disk: PreparedBlocks | None = None
    cov_type: str | None = None  # of the standard errors, where fit() is not asked for others
    # traj's distal outcome, who has it, the column of their ids, and how many have not
    distal: tuple[DistalOutcome, Any, Any, int] | None = None

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
        cls, panel: Panel | DiskPanel, spec: ModelSpec, *, bases: Sequence[TimeBasis | None] | None = None,
        formula: str | None = None, profile: np.ndarray | None = None, inputs: dict[str, Any] | None = None,
    ) -> GBTM:
        """From a :class:`~gbtm.data.panel.Panel` and a :class:`~gbtm.specification.spec.ModelSpec`.

        ``profile`` (T, q) are the time-varying covariates at which curves are drawn, wave by wave; default
        their mean at each time.
        ``inputs`` says how the table was read, so that new tables can be.
        """
        if isinstance(panel, DiskPanel):
            return cls._on_blocks(PreparedBlocks.of(panel, spec, bases, formula=formula, inputs=inputs))
        return cls.from_prepared(Prepared.of(panel, spec, bases, formula=formula, profile=profile, inputs=inputs))

    @classmethod
    @partial(takes_options, distal=True)
    def from_formula(
        cls, formula: str | Sequence[str | Outcome], data: Any = None, *,
        id: str | Sequence[str] | None = None, wide: Wide | None = None, cov_type: str | None = None, **options: Any,
    ) -> GBTM:
        """From a formula ``"outcome ~ time"`` and a table, or from several outcomes that share their groups.

        Parameters
        ----------
        formula : ``"offenses ~ age"`` with ``order``, where the time may be an expression of a column,
            ``"offenses ~ I(age - 40)"``; or a basis without: ``lspline(age, knots=[12, 15])`` (slopes of segments),
            ``ns``, ``bs(age, df=4)``, ``cc`` and ``sincos(month, period=12)``, see docs/curves.md. A list of such, or
            of :class:`gbtm.Outcome`, which have options of their own, is a model of several outcomes: options of an
            outcome that stand here are those of the outcomes that are text
        data : long (one row per observation, with ``id``) or wide (one row per subject, with ``wide``); or Parquet
            files that stay on disk, ``"register/*.parquet"``, see docs/disk.md
        id : column of the subjects' ids; several columns that name a person together, ``["HHID", "PN"]``, are joined
            by a dot, ``0.10``, in all that is returned
        wide : what names stand for in wide data: ``{"offenses": "count_*", "age": "age_*"}``, where the time may also
            be a list of numbers, one per wave
        cov_type : which standard errors :meth:`fit` gives, unless it is told otherwise
        options : those of an :class:`~gbtm.specification.outcome.Outcome` (family, order, iorder, rorder, ..) and
            of the :class:`~gbtm.specification.description.Design` (groups, risk, weights, event, constraints, ..)

            risk : membership covariates: column names, or a formula such as ``"~ male + C(region)"``
            tcov, dcov : time-varying covariates: the same in long data, names of ``wide`` in wide data.
                ``tcov="~ sex * age"``, age the time, asks whether the curve differs by sex: its main effect of age is
                the curve itself and no covariate
            exposure, weights, cluster, stratum, out_of_sample, obsmar, known : column names (exposure: a name of
                ``wide``; known: also a list of K, of a dual model an entry for each outcome)
            common : like ``tcov``, with one coefficient for all groups: ``common="~ sex * age"``; with ``order=0``,
                ``common="~ age"`` is one slope beside each group's own level
            wave : column of long data that counts the waves, where times are people's own
            outcome, omodel, ocov, baseoutcome, twostep : traj's distal outcome, fitted with the trajectories; see
                :class:`~gbtm.specification.description.DistalOutcome`. :meth:`fit` then gives an
                :class:`~gbtm.api.outcome_results.OutcomeResults`. It is a regression on posterior probabilities;
                ``res.distal()`` of a fit without it says what the groups differ by
        """
        others = ("formula", "data", "id", "wide", "cov_type")
        asked = DistalOutcome(**{n: options.pop(n) for n in options_of(DistalOutcome) if n in options})
        if asked.outcome is not None:
            return cls._with_outcome(asked, formula, data, id=id, wide=wide, cov_type=cov_type, **options)
        if on_files(data):
            return cls._of_files(formula, data, options, others, id=id, wide=wide, cov_type=cov_type)
        refuse_no_table(data)
        if not isinstance(formula, str):
            outcomes, design = several_described(formula, options, others)
            prepared = read_tables(data, outcomes, design, id=id, wide=wide)
        else:
            outcome, design = described(options, formula, others)
            if data is None:
                raise MissingArgumentError(
                    "data: not given.", code="missing_argument", argument="data",
                    way_out="Give the table of the formula.",
                )
            prepared = read_table(data, outcome, design, id=id, wide=wide)
        model = cls.from_prepared(prepared)
        model.cov_type = _known_covariance(cov_type, model.panel)
        return model

    @classmethod
    def _with_outcome(cls, asked: DistalOutcome, formula: Any, data: Any, **arguments: Any) -> GBTM:
        """:meth:`from_formula` of those who have a distal outcome."""
        if on_files(data) or not isinstance(formula, str) or data is None:
            refuse_elsewhere(asked)
        known, excluded = with_values(asked, data, arguments["id"] if arguments["wide"] is None else None)
        readable(asked, known)
        model = cls.from_formula(formula, known, **arguments)
        model.distal = asked, known, arguments["id"], excluded
        return model

    @classmethod
    def _of_files(
        cls, formula: Any, data: Any, options: dict[str, Any], others: tuple[str, ...], *, cov_type: str | None,
        **read: Any,
    ) -> GBTM:
        """:meth:`from_formula` on Parquet files."""
        if isinstance(formula, str):
            outcome, design = described(options, formula, others)
            return cls._on_blocks(read_files(data, [outcome], design, **read), cov_type)
        outcomes, design = several_described(formula, options, others)
        return cls._on_blocks(read_files(data, outcomes, design, **read), cov_type)

    @classmethod
    def _on_blocks(cls, blocks: PreparedBlocks, cov_type: str | None = None) -> GBTM:
        model = cls.from_prepared(blocks.of_sample)
        model.on_disk, model.cov_type = blocks, _known_covariance(cov_type, blocks.sample)
        return model

    def module(self) -> Mixture:
        """The likelihood as a ``torch.nn.Module``; its parameters start at a sensible place."""
        import torch

        from ..estimation.starts import StartingPlan
        from ..likelihood.mixture import Mixture

        if self.on_disk is not None:
            raise not_kept("module")
        module = Mixture(self.layout, self.panel)
        with torch.no_grad():
            start = StartingPlan(module, self.panel, np.random.default_rng(0)).next(1)[0]
        module.set_flat(start)
        return module

    def fit(
        self, *, n_starts: int | None = None, rng: int = 0, device: str = "cpu", cov_type: str | None = None,
        start: Any = None, max_starts: int = 256, time_budget: float | None = 60.0,
        progress: Progress | bool | None = None, prior: str | Prior | Mapping[str, Any] | None = None,
        executor: Any = None, checkpoint: str | Path | None = None,
    ) -> Any:
        """Find the best optimum and its standard errors.

        Parameters
        ----------
        n_starts : number of starts; None lets the hit rate decide (at most ``max_starts``) and then rearranges the
            groups of the best optima
        rng : seed; the same seed gives the same digits
        device : torch device
        cov_type : None, what the model was given, and without it what the design asks for; "hessian"; "robust"
            (sandwich; the default with weights); "cluster" (the default where clusters or strata are named; intervals
            and tests by t with clusters less strata degrees of freedom, as Stata's svy); "traj" (Stata traj's
            convention). With few people "HC1" (robust times N / (N - k)), "HC2" or "HC3" (each score corrected for its
            leverage), by t with N - k; with few clusters "CR1S" (cluster times (N - 1) / (N - k)), "CR2" or "CR3". See
            docs/standard-errors.md
        start : parameters to start from, in the order of ``params`` (that of traj's e(b); group percentages instead
            of theta also accepted), a Series, or a fit with the same number of groups or one less
        time_budget : seconds after which no further round of starts begins
        progress : callable(sentence, seconds), True for lines on stderr, False for silence; None prints only when
            the fit takes more than two seconds in an interactive session
        prior : another prior than the model's, "weak" or a :class:`gbtm.Prior`; None for the model's
        executor : for data on disk: a number of worker processes, or a ``concurrent.futures.Executor`` such as dask's
            ``client.get_executor()``. The digits are the same with any
        checkpoint : for data on disk: a file; a fit that is cut off goes on from it when it is asked for again

        Returns
        -------
        GBTMResults; with a distal ``outcome`` of the model :class:`~gbtm.api.outcome_results.OutcomeResults`
        """
        options: dict[str, Any] = {
            "n_starts": n_starts, "rng": rng, "device": device, "cov_type": cov_type or self.cov_type, "start": start,
            "max_starts": max_starts, "time_budget": time_budget, "progress": progress,
        }
        if self.on_disk is not None:
            blocks = self.on_disk if prior is None else self.on_disk.with_prior(as_prior(prior))
            document = fit_blocks(blocks, **options, executor=executor, checkpoint=checkpoint)
        else:
            refuse_for_memory(executor=executor, checkpoint=checkpoint)
            prepared = self.prepared if prior is None else self.prepared.with_prior(as_prior(prior))
            document = fit_as_asked(prepared, **options)
        res = results_of(document, trust_formula=True)
        if isinstance(res, DiskResults) and self.on_disk is not None:
            res.source = self.on_disk.panel
        for message in res.warnings:
            warn(message)
        return res if self.distal is None else joint_fit(res, *self.distal)


def _known_covariance(cov_type: str | None, panel: Panel) -> str | None:
    """``cov_type`` as it is; one that a fit would refuse is refused before it."""
    if cov_type is not None:
        from ..estimation.covariance import resolve

        resolve(cov_type, panel.subjects)
    return cov_type
