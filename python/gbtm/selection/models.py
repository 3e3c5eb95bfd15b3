"""What a search found: the models, one table of what speaks for each, and the choices of the criteria."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..arguments import checked
from ..errors import DataError, SpecificationError
from ..record.document import check_version, current_fields, decode, encode, save_text, text_of
from ..record.document_schema import SEARCH_FILE, SHARED_DATA, SHARED_V1, check_fields
from ..record.document_v1 import upgraded_shared
from .candidates import Candidate, Space
from .dual_space import refuse_pairs
from .outcome_orders import SeveralSpace
from .runner import Fitted
from .search_values import check_same_data, check_search_values
from .space_document import read_space, space_document
from .summary import summary_text
from .table import BLRT_LEVEL, LARGER, SMALLER, choose, make_table, numbers_in, row, sort_table
from .words import all_sentences, name_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..api.results import GBTMResults
    from ..compute.progress import Progress

FORMAT = "gbtm-search"
FORMAT_VERSION = 2
TWINS = {"traj_aic": "aic", **{f"traj_bic_{n}": f"bic_{n}" for n in ("subjects", "observations")}}


@checked
class ModelSearch:
    """The models that a search fitted.

    Attributes
    ----------
    how, criterion, rng : as they were asked for
    settings : n_starts, max_starts, shape_starts, cov_type and time_budget, as they were asked for; None where a file
        of an earlier version does not have them

    Notes
    -----
    ``table``, ``choices`` and ``sentences`` are made anew when :meth:`cross_validate` or :meth:`blrt` has added to
    them.
    """

    def __init__(
        self, space: Space, fits: Mapping[Candidate, Fitted], shared: dict[str, Any], *, how: str, criterion: str,
        happened: Mapping[str, Sequence[str]], rng: int = 0, settings: Mapping[str, Any] | None = None,
        later: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        self.how, self.criterion, self.rng = how, criterion, rng
        self.settings = None if settings is None else dict(settings)
        self._space, self._shared = space, shared
        self._happened = {k: list(v) for k, v in happened.items()}
        ordered = sorted(fits, key=lambda c: c.rank)
        self._fitted = {space.label(c): fits[c] for c in ordered}
        self._later: dict[str, dict[str, float]] = {k: dict(v) for k, v in (later or {}).items()}

    def __repr__(self) -> str:
        label = self.choices.get(self.criterion)
        chosen = "no model can be chosen" if label is None else f"{name_of(self.criterion)} chooses {label}"
        return f"<ModelSearch: {len(self._fitted)} models, {chosen}>"

    # -- what was found ----------------------------------------------------------------------------------------

    @property
    def space(self) -> Space:
        """The models that were considered, and what all of them share."""
        return self._space

    @cached_property
    def fits(self) -> dict[str, GBTMResults]:
        """The fits by label, complete and with one copy of the data between them."""
        return {label: fit.results for label, fit in self._fitted.items() if fit.document is not None}

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        return {label: row(self._space, fit) for label, fit in self._fitted.items()}

    @property
    def table(self) -> pd.DataFrame:
        """One row per model, indexed by its label, fewer groups first.

        Log-likelihood, parameters, criteria on the usual scale (smaller is better) and on traj's (larger), entropy,
        the smallest group, the worst average posterior probability, odds of correct classification and mismatch, how
        many of the starts reached the optimum, what :meth:`cross_validate` and :meth:`blrt` found, the number of
        warnings, seconds, the criteria whose best it is, and ``flag``: why it cannot be chosen, or "".
        """
        return make_table(self._rows, self._later)

    @property
    def choices(self) -> pd.Series:
        """The label of the model that each criterion chooses."""
        return choose(self.table)

    def best(self, criterion: str | None = None) -> GBTMResults:
        """The fit that a criterion chooses; by default the criterion of the search.

        Raises
        ------
        SpecificationError
            ``unknown_criterion``, ``not_computed`` (cross-validation or test not asked for), ``nothing_to_choose``.
        """
        name = self.criterion if criterion is None else criterion
        criteria = (*SMALLER, *LARGER, "cv_loglik", "blrt")
        if name not in criteria:
            raise SpecificationError(
                f"criterion: {name!r} is not known.", code="unknown_criterion", argument="criterion",
                way_out=f"Use one of {', '.join(criteria)}.",
            )
        label = self.choices.get(TWINS.get(name, name))
        if label is None and name in ("cv_loglik", "blrt"):
            raise SpecificationError(
                f"criterion: {name} was not computed.", code="not_computed", argument="criterion",
                way_out="Call .cross_validate() first." if name == "cv_loglik" else "Call .blrt() first.",
            )
        if label is None:
            raise SpecificationError(
                "criterion: none of the fits converged, so that there is nothing to choose from.",
                code="nothing_to_choose", argument="criterion", way_out="Look at .table['flag'] for the reasons.",
            )
        return self.fits[label]

    def sorted(self, by: str | Sequence[str] | None = None, ascending: bool | None = None) -> pd.DataFrame:
        """The table, best first by one or several of its columns; models that cannot be chosen last."""
        return sort_table(self.table, self.criterion if by is None else by, ascending)

    @property
    def sentences(self) -> list[str]:
        """Who chooses what and how clearly, what is wrong with the chosen models, repairs, what was left out."""
        lowered_by = self.criterion if self.how in ("two_stage", "stepwise") else None
        prior = self._space.template.prior
        return all_sentences(
            self.table, self.choices, self._fitted, self._happened, lowered_by,
            several=isinstance(self._space, SeveralSpace),
        ) + ([] if prior is None else [prior.sentence])

    def summary(self, by: str | Sequence[str] | None = None) -> str:
        """The main columns, best first, and the sentences."""
        return summary_text(self.sorted(by), self.sentences)

    def plot(self, **options: Any) -> Figure:
        """The fit-criteria figure; see :func:`gbtm.figures.criteria.plot_criteria`."""
        from ..figures.criteria import plot_criteria

        return plot_criteria(self, **options)

    def plot_models(self, **options: Any) -> Figure:
        """The curves of the models in small panels; see :func:`gbtm.figures.panels.plot_models`."""
        from ..figures.panels import plot_models

        return plot_models(self, **options)

    # -- what is computed when asked for -----------------------------------------------------------------------

    def cross_validate(
        self, labels: Sequence[str] | None = None, *, folds: Any = 10, n_jobs: int | None = None,
        rng: int | None = None, progress: Progress | bool | None = None, **options: Any,
    ) -> pd.DataFrame:
        """Held-out log-likelihoods into the table's ``cv_loglik`` and ``cv_se``; returns the table.

        Parameters
        ----------
        labels : models; default those that some criterion chooses and, for each number of groups, the first
        folds, n_jobs, options : as for :func:`gbtm.cross_validate`; all models have the same folds
        """
        from ..resampling.cross_validation import cross_validate

        for label in self._labels(labels):
            validation = cross_validate(
                self.fits[label], folds=folds, n_jobs=n_jobs, rng=self.rng if rng is None else rng, progress=progress,
                **options,
            )
            self._later.setdefault(label, {}).update(cv_loglik=float(validation.loglik), cv_se=float(validation.se))
            self._keep("cross-validation", label, validation.sentences)
        return self.table

    def blrt(
        self, labels: Sequence[str] | None = None, *, lmr: bool = False, n_jobs: int | None = None,
        rng: int | None = None, progress: Progress | bool | None = None, **options: Any,
    ) -> pd.DataFrame:
        """Bootstrap likelihood-ratio tests into the table's ``blrt_p``; returns the table.

        K groups are tested against K - 1, all at the highest order, from two groups up, until one is not rejected at
        0.05; ``choices["blrt"]`` is the last K that was needed.

        Parameters
        ----------
        labels : models to be tested instead, each against that of one group less at the highest order where it is
            nested, else against itself without its last group
        lmr : the Lo-Mendell-Rubin test too, into ``lmr_p``; its caveat is among the sentences
        n_jobs, options : as for :func:`gbtm.blrt`, for example ``n_max``
        """
        refuse_pairs(self._space)
        from ..resampling.likelihood_ratio import blrt
        from ..resampling.lo_mendell_rubin import lmr as lo_mendell_rubin

        seed = self.rng if rng is None else rng
        given = None if labels is None else self._labels(labels)
        for label in given if given is not None else self._highest():
            res = self.fits[label]
            if res.n_groups < 2:
                continue
            less = self._one_less(label)
            test = blrt(res, less, n_jobs=n_jobs, rng=seed, progress=progress, **options)
            later = self._later.setdefault(label, {})
            later["blrt_p"] = float(test.p_value)
            sentences = [test.sentence]
            if lmr:
                other = lo_mendell_rubin(res, less, rng=seed)
                later["lmr_p"] = float(other.p_value)
                sentences.append(other.sentence)
            self._keep("test", label, sentences)
            if given is None and not test.p_value <= BLRT_LEVEL + 1e-12:
                break
        return self.table

    def _labels(self, labels: Sequence[str] | None) -> list[str]:
        table = self.table
        if labels is None:
            usable = table[table["flag"] == ""]
            first = usable.drop_duplicates(numbers_in(usable)).index
            return [k for k in table.index if k in set(self.choices) or k in first]
        wanted = [labels] if isinstance(labels, str) else list(labels)
        unknown = [k for k in wanted if k not in self.fits]
        if unknown:
            raise SpecificationError(
                f"labels: {unknown[0]!r} is no model of this search.", code="unknown_model", argument="labels",
                way_out=f"Use labels of the table, such as {next(iter(self.fits), '')!r}.",
            )
        return wanted

    def _highest(self) -> list[str]:
        """Models with all groups at the highest order, by number of groups, as far as each follows on the other."""
        out: list[str] = []
        for k in range(1, max(self._space.groups) + 1):
            label = self._space.label(self._space.top(k))
            fit = self._fitted.get(label)
            if fit is None or not fit.usable:
                break
            out.append(label)
        return out

    def _one_less(self, label: str) -> GBTMResults | None:
        from ..model.nesting import nested

        candidate = self._fitted[label].candidate
        less = self._space.top(candidate.n_groups - 1)
        fit = self._fitted.get(self._space.label(less))
        if fit is None or not fit.usable or not nested(self._space.spec(less), self._space.spec(candidate)):
            return None
        return fit.results

    def _keep(self, what: str, label: str, sentences: Sequence[str]) -> None:
        """Sentences of what was computed for a model, in the place of those of an earlier call."""
        mark = f"{label}, {what}: "
        other_sentences = [s for s in self._happened.get("later", []) if not s.startswith(mark)]
        self._happened["later"] = other_sentences + [mark + s for s in sentences]

    # -- on disk -----------------------------------------------------------------------------------------------

    @property
    def document(self) -> dict[str, Any]:
        """All of it as plain values and arrays, the data once; ``fits`` are fit documents without the data."""
        return {
            "format": FORMAT, "format_version": FORMAT_VERSION, "how": self.how, "criterion": self.criterion,
            "rng": self.rng, "settings": self.settings,
            "space": space_document(self._space),
            "happened": self._happened, "later": self._later, "shared": self._shared,
            "fits": [
                {
                    "label": label, "n_groups": fit.candidate.n_groups,
                    "orders": None if fit.candidate.orders is None else list(fit.candidate.orders),
                    "document": fit.document, "failure": fit.failure,
                    **({} if fit.candidate.second is None else {"second_groups": fit.candidate.second}),
                }
                for label, fit in self._fitted.items()
            ],
        }

    def save(self, path: str | Path) -> None:
        """Write all of it to one JSON file, the data once; :func:`gbtm.load_search` reads it."""
        save_text(json.dumps(encode(self.document), allow_nan=False), path)


@checked
def load_search(path: str | Path, *, trust_formula: bool = False) -> ModelSearch:
    """Read a search written by :meth:`ModelSearch.save`.

    Parameters
    ----------
    trust_formula : as for :func:`gbtm.load`

    Raises
    ------
    DataError
        ``no_file`` when there is none, ``bad_document`` when it is not a search, or of a newer format.
    """
    text = text_of(path)
    try:
        stored = decode(json.loads(text))
    except (ValueError, TypeError, RecursionError, MemoryError) as error:
        stored = error
    return read_search(stored, trust_formula=trust_formula, source=str(path))


def read_search(document: Any, *, trust_formula: bool = False, source: str = "search") -> ModelSearch:
    """The inverse of :attr:`ModelSearch.document`, of any version; refuses anything else by name."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise DataError(
            f"{source}: not a search.", code="bad_document", argument="path",
            way_out="Give a file written by the save() of what gbtm.search() returned.",
        )
    check_version(document, FORMAT_VERSION, source)
    check_fields(document, SEARCH_FILE, source)
    check_search_values(document, source)
    shared = document["shared"]
    if document["format_version"] == 1:
        check_fields(shared, SHARED_V1, source)
        shared = upgraded_shared(shared)
    check_fields(shared, SHARED_DATA, source)
    space = read_space(document["space"])
    fits = {}
    for fit in document["fits"]:
        orders = None if fit["orders"] is None else tuple(fit["orders"])
        candidate = Candidate(fit["n_groups"], orders, fit.get("second_groups"))
        fit_document = None
        if fit["document"] is not None:
            fit_document = current_fields(fit["document"], f"{source}: model {fit['label']}", data=False)
            check_same_data(fit_document, shared, source)
        fits[candidate] = Fitted(candidate, fit_document, fit["failure"], shared, trust_formula)
    later = {
        label: {c: float("nan") if v is None else v for c, v in criteria.items()}
        for label, criteria in document["later"].items()
    }
    return ModelSearch(
        space, fits, shared, how=document["how"], criterion=document["criterion"],
        happened=document["happened"], rng=document["rng"], settings=document.get("settings"), later=later,
    )
