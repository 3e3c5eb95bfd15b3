"""What a fit document holds, by name and type: the one door to its fields. No other room reads them by key."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..data.dropped import Dropped
from ..data.known_groups import group_classes, group_weights
from ..errors import SpecificationError
from ..estimation.certificate import Certificate
from ..findings.data_checks import Finding
from ..specification.prior import Prior, as_prior
from ..specification.spec import ModelSpec
from .constraint_record import ConstraintRecord
from .dropout_record import DropoutRecord
from .dual_record import DualRecord
from .event_record import EventRecord, event_spec
from .group_set import GroupSet
from .inputs import joined_inputs
from .observed_ranges import ObservedRanges, ranges_of
from .on_disk import OnDisk, not_kept
from .outcome_record import OutcomeRecord, outcome_spec
from .parameters import InternalEstimates, ParameterBlock
from .search_record import SearchRecord


class FitRecord:
    """A fit document, or one without the data as a search keeps it.

    Parameters
    ----------
    document : see docs/fit-document.md
    trust_formula : expressions of the document that are code may be run
    """

    def __init__(self, document: dict[str, Any], *, trust_formula: bool = False) -> None:
        self.document = document
        self.trust_formula = trust_formula

    # -- the model ---------------------------------------------------------------------------------------------

    @cached_property
    def outcomes(self) -> tuple[OutcomeRecord, ...]:
        """The outcomes, each with its observations."""
        return tuple(OutcomeRecord.of(stored) for stored in self.document["outcomes"])

    @property
    def outcome(self) -> OutcomeRecord:
        """The outcome of a fit of one.

        Raises
        ------
        SpecificationError
            ``several_outcomes``, for a fit of several.
        """
        if len(self.outcomes) > 1:
            names = ", ".join(o.name for o in self.outcomes)
            raise SpecificationError(
                f"outcome: this is asked of one outcome, and the fit has {len(self.outcomes)}: {names}.",
                code="several_outcomes", argument="outcome",
                way_out=f"Ask it of one of them, res.of_outcome('{self.outcomes[0].name}').",
            )
        return self.outcomes[0]

    @cached_property
    def group_sets(self) -> tuple[GroupSet, ...]:
        """The sets of groups: one, unless two outcomes have groups of their own."""
        return tuple(GroupSet.of(stored) for stored in self.document["group_sets"])

    @property
    def group_set(self) -> GroupSet:
        """The groups of a fit with one set of them.

        Raises
        ------
        SpecificationError
            ``two_group_sets``, for a dual model.
        """
        if len(self.group_sets) > 1:
            names = ", ".join(o.name for o in self.outcomes)
            raise SpecificationError(
                f"outcome: this is asked of one set of groups, and in a dual model {names} have groups of their own.",
                code="two_group_sets", argument="outcome",
                way_out=f"Ask it of one of them, res.of_outcome('{self.outcomes[0].name}').",
            )
        return self.group_sets[0]

    @cached_property
    def dual(self) -> DualRecord | None:
        """How the two sets of groups of a dual model hang together; None for other models."""
        stored = self.document.get("dual")
        return None if stored is None else DualRecord.of(stored)

    @property
    def dropout(self) -> DropoutRecord | None:
        """The dropout model, whichever outcome drives it."""
        return next((o.dropout for o in self.outcomes if o.dropout is not None), None)

    @cached_property
    def event(self) -> EventRecord | None:
        """The time to an event that is modelled with the outcomes; None for other models."""
        stored = self.document.get("event")
        return None if stored is None else EventRecord.of(stored)

    @cached_property
    def spec(self) -> ModelSpec:
        """The specification."""
        first, dropout = self.group_sets[0], self.dropout
        second = self.group_sets[1] if len(self.group_sets) > 1 else None
        return ModelSpec(
            n_groups=first.n_groups, outcomes=tuple(o.spec for o in self.outcomes), reference=first.reference,
            dropout=None if dropout is None else dropout.orders,
            second_groups=None if second is None else second.n_groups,
            second_reference=0 if second is None else second.reference,
            constraints=() if self.constraints is None else self.constraints.texts, prior=self.prior,
            known_classes=group_classes(group_weights(self.known_groups, first.n_groups)),
            second_known_classes=() if second is None else group_classes(
                group_weights(self.known_groups2, second.n_groups)),
            event=None if self.event is None else self.event.spec,
        )

    @cached_property
    def constraints(self) -> ConstraintRecord | None:
        """What had to hold of the parameters; None where nothing had to."""
        stored = self.document.get("constraints")
        return None if stored is None else ConstraintRecord.of(stored)

    @cached_property
    def prior(self) -> Prior | None:
        """The prior that the estimates were found with; None for maximum likelihood."""
        stored = self.document.get("prior")
        return None if stored is None else Prior(**stored["strengths"])

    @property
    def log_prior(self) -> float:
        """Its log density at the estimates, up to a constant; 0 without a prior."""
        return 0.0 if self.prior is None else float(self.document["prior"]["log_prior"])

    @property
    def formula(self) -> str | None:
        """The formula or the Stata command that the model was asked for with, if any."""
        return self.document["formula"]

    @property
    def inputs(self) -> dict[str, Any] | None:
        """How the user's table was read, for new data and for code; None for fits of arrays."""
        outcomes = self.document["outcomes"]
        group_set = self.document["group_sets"][outcomes[0]["group_set"]]
        return joined_inputs(self.document["inputs"], [o["inputs"] for o in outcomes], group_set["inputs"])

    @property
    def part_of(self) -> tuple[str, ...]:
        """The outcomes of the fit that this is one outcome of; empty for a fit as it was made."""
        return tuple(self.document.get("part_of") or ())

    # -- the subjects ------------------------------------------------------------------------------------------

    @property
    def n_subjects(self) -> int:
        return int(self.document["n_subjects"])

    @property
    def id_name(self) -> str:
        return str(self.document["id_name"])

    @cached_property
    def ids(self) -> pd.Index:
        if self.document["ids"] is None:
            raise not_kept("ids")
        return pd.Index(self.document["ids"], name=self.id_name)

    def by_observation(self, values: np.ndarray, name: str) -> pd.Series:
        """Values (n_obs,) of the fit's observations, people in the order of :attr:`ids` and times ascending, under the
        ids and times that tell whose they are: the rows of a table may be fewer, more or in another order."""
        data = self.outcome.data
        labels = pd.MultiIndex.from_arrays([self.ids[data.subject], data.time], names=[self.id_name, data.time_name])
        return pd.Series(values, index=labels, name=name)

    @cached_property
    def on_disk(self) -> OnDisk | None:
        """Sums over the people, where these are on disk and not with the fit."""
        stored = self.document.get("on_disk")
        return None if stored is None else OnDisk.of(stored)

    @cached_property
    def observed_ranges(self) -> ObservedRanges | None:
        """When each group was seen, of a fit of one outcome; None where the observations are not with it."""
        return ranges_of(self.outcome, self.group_set, self.on_disk)

    @property
    def weights(self) -> np.ndarray | None:
        """(N,) sampling weights of mean 1, or None."""
        stored = self.document["weights"]
        return None if stored is None else np.asarray(stored, dtype=float)

    @property
    def weighted(self) -> bool:
        """There are sampling weights, whether with the fit or not."""
        return self.weights is not None if self.on_disk is None else self.on_disk.weighted

    @property
    def cluster(self) -> np.ndarray | None:
        """(N,) codes of the sampling clusters, or None."""
        return _codes(self.document["cluster"])

    @property
    def stratum(self) -> np.ndarray | None:
        """(N,) codes of the strata, or None."""
        return _codes(self.document["stratum"])

    @property
    def known_groups(self) -> np.ndarray | None:
        """(N, 1) the number of each person's group, NaN where it is not known, or (N, K) weights; None without."""
        stored = self.document.get("known_groups")
        return None if stored is None else np.asarray(stored, dtype=float)

    @property
    def known_groups2(self) -> np.ndarray | None:
        """:attr:`known_groups` of the second set of groups of a dual model."""
        stored = self.document.get("known_groups2")
        return None if stored is None else np.asarray(stored, dtype=float)

    @property
    def known_sets(self) -> tuple[np.ndarray | None, ...]:
        """Whose group is known, of each set of groups."""
        return (self.known_groups, self.known_groups2)[: len(self.group_sets)]

    @cached_property
    def dropped(self) -> Dropped:
        """What was read, and what was left out and why."""
        stored, fields = self.document["dropped"].items(), Dropped.__dataclass_fields__
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in stored if k in fields}
        return Dropped(**plain)

    # -- the estimates -----------------------------------------------------------------------------------------

    @property
    def names(self) -> list[str]:
        """Names of the parameters (p)."""
        return list(self.document["names"])

    @property
    def traj_names(self) -> list[str]:
        """Their names in traj's e(b)."""
        return list(self.document["traj_names"])

    @cached_property
    def blocks(self) -> tuple[ParameterBlock, ...]:
        """Which runs of the parameters are what."""
        return tuple(ParameterBlock.of(b) for b in self.document["blocks"])

    @cached_property
    def internal(self) -> InternalEstimates:
        """The estimates in the engine's coordinates."""
        return InternalEstimates.of(self.document["internal"])

    @property
    def cov_type(self) -> str:
        """Kind of covariance, as in ``COVARIANCE_KINDS`` of :mod:`gbtm.specification.covariance_kinds`."""
        return str(self.document["cov_type"])

    @property
    def df_inference(self) -> float:
        """Degrees of freedom of t in intervals and tests; infinite where these go by the normal distribution.

        Clusters less strata for kinds by cluster, people less parameters for HC1, HC2 and HC3.
        """
        stored = self.document.get("df_inference")
        return np.inf if stored is None or not stored > 0 else float(stored)

    @property
    def llf(self) -> float:
        """Log-likelihood, all constants included; without the prior, if there is one."""
        return float(self.document["loglik"])

    # -- how they were found -----------------------------------------------------------------------------------

    @cached_property
    def search(self) -> SearchRecord:
        """What the starts found."""
        return SearchRecord.of(self.document["search"])

    @cached_property
    def certificate(self) -> Certificate:
        """Gradient, smallest eigenvalue and Newton decrement at the estimates."""
        return Certificate(**{k: self.document["certificate"][k] for k in Certificate.__dataclass_fields__})

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What has to be known before the numbers are used: code, group and sentence of each."""
        return tuple(
            Finding(w["code"], w["group"], w["message"], tuple(w.get("parameters") or ()))
            for w in self.document["warnings"]
        )

    @property
    def seconds(self) -> float:
        """How long the fit took; NaN where the file does not say, as those of R do not."""
        seconds = self.document.get("seconds")
        return math.nan if seconds is None else float(seconds)

    @property
    def created_by(self) -> str:
        """The program that made the fit, with its version."""
        return str(self.document["created_by"])


def _codes(values: Any) -> np.ndarray | None:
    return None if values is None else np.asarray(values).astype(np.int64, copy=False)


def read_spec(stored: dict[str, Any]) -> ModelSpec:
    """A specification from plain values, as a search keeps that of its models."""
    dropout = stored["dropout"]
    return ModelSpec(
        n_groups=int(stored["n_groups"]), outcomes=tuple(outcome_spec(o) for o in stored["outcomes"]),
        reference=int(stored["reference"]), dropout=None if dropout is None else tuple(dropout),
        prior=as_prior(stored.get("prior")), event=event_spec(stored.get("event")),
    )
