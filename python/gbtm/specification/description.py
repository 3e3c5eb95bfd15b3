"""What a user asks for, in his words: each outcome, and the design of the whole. No data.

An option is declared here alone: its name and default, which families may have it, how its value is read, and the
words of its errors. ``GBTM(...)``, ``GBTM.from_formula``, ``gbtm.search``, the commands of Stata and SAS and R's
``gbtm()`` all make an :class:`Outcome` and a :class:`Design` of their arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..arguments import unknown_argument
from ..errors import SpecificationError
from .event import Event
from .known_of_sets import KnownOfSets
from .option import option, options_of
from .outcome import Orders, Outcome


@dataclass(frozen=True, kw_only=True, eq=False)
class Design:
    """What belongs to the model as a whole: its groups, what predicts them, how people were sampled, dropout.

    Parameters
    ----------
    groups : number of groups K; may be left out where ``order`` has one value for each; two numbers for a dual model,
        in which each of two outcomes has groups of its own
    refgroup : the group whose membership coefficients are 0
    risk : membership covariates z, one row or value per subject
    refgroup2, risk2 : the same for the groups of a dual model's second outcome, given those of its first
    constraints : what has to hold of the parameters, by their names in ``params``: ``["time[1] = 0", "time[2] =
        time[3]", "sigma[1] = sigma[2]", "time[1] > 0"]``. Groups keep the numbers that they have in them, docs/model.md
    known : the number of the group of those whose group is known, missing for the others; or for each group a weight
        from 0 to 1, m_ik in the likelihood sum_k pi_k m_ik f_ik. Groups keep these numbers. Of a dual model an entry
        for each outcome, in order or by name: ``["diagnosis", None]``, ``{"aggression": "diagnosis"}``
    link : "multi", outcomes share their groups; "dual", each of two has its own; None where ``groups`` says which
    weights : sampling weights, rescaled to mean 1
    cluster, stratum : labels of the sampling clusters and strata, for standard errors
    out_of_sample : 1 for subjects that are scored but not fitted
    dropout : order of the dropout model, one for all groups or one per group: 0, a constant; 1, the last outcome too;
        2, the last two; -1, none in that group. Of several outcomes the first drives it: a person has dropped out when
        it is not seen in that one any more
    dcov : covariates of dropout, given like ``tcov``
    obsmar : 1 for subjects whose missing waves are missing at random: they say nothing of dropout
    wave : number of the wave of each observation of long data, rising with time; without it a wave is a distinct time,
        which dropout needs to be the same for all
    event : a :class:`gbtm.Event`, the time to an event whose hazard depends on the group; see docs/event.md
    prior : None, maximum likelihood; "weak" or a :class:`gbtm.Prior`, which gives finite estimates where probabilities
        of 0 or 1, a sigma of 0 or an empty pair of groups have none. Log-likelihood and criteria are without it
    """

    groups: int | tuple[int, int] | None = option(None, "groups", stored="n_groups", code="bad_groups")
    refgroup: int = option(1, "group", stored="reference", code="bad_refgroup")
    risk: Any = option(None, "columns")
    weights: Any = option(None, "columns")
    cluster: Any = option(None, "columns")
    stratum: Any = option(None, "columns")
    out_of_sample: Any = option(None, "columns")
    dropout: Orders | None = option(None, "orders", stored="dropout", code="bad_dropout")
    dcov: Any = option(None, "columns")
    obsmar: Any = option(None, "columns")
    wave: Any = option(None, "columns")
    refgroup2: int = option(1, "group", stored="second_reference", code="bad_refgroup2")
    risk2: Any = option(None, "columns")
    link: str | None = option(None, "link", code="bad_link")
    constraints: tuple[str, ...] = option((), "constraints", stored="constraints", code="bad_constraint")
    prior: Any = option(None, "prior", stored="prior", code="bad_prior")
    known: Any = option(None, "columns")
    event: Event | None = option(None, "event", stored="event", code="bad_event")

    def __post_init__(self) -> None:
        if self.link == "dual" and isinstance(self.groups, int):
            object.__setattr__(self, "groups", (self.groups, self.groups))
        if self.link == "multi" and self.is_dual:
            raise SpecificationError(
                f"groups: {self.groups} are two numbers, and outcomes that share their groups have one.",
                code="bad_groups", argument="groups", way_out="Give one number, or link='dual'.")
        given = {"risk2": self.risk2 is not None, "refgroup2": self.refgroup2 != 1}
        for name in (n for n, is_given in given.items() if is_given):
            if not self.is_dual:
                raise SpecificationError(
                    f"{name}: belongs to the second set of groups of a dual model.", code="no_second_groups",
                    argument=name, way_out="Give two outcomes and two numbers of groups, such as groups=[3, 2].")
        for name in ("dcov", "obsmar"):
            if self.dropout is None and getattr(self, name) is not None:
                raise SpecificationError(
                    f"{name}: goes with dropout, which is not asked for.", code="no_dropout", argument=name,
                    way_out=f"Give dropout (0, 1 or 2) too, or leave {name} out.")

    @property
    def of_subjects(self) -> dict[str, Any]:
        """What the data hold of each subject, by name."""
        names = ("risk", "weights", "cluster", "stratum", "out_of_sample", "obsmar", "risk2", "known")
        given = {name: getattr(self, name) for name in names}
        if isinstance(self.known, KnownOfSets):
            given |= {"known": self.known.first, "known2": self.known.second}
        given |= {} if self.event is None else {"event": self.event.columns}
        return {k: v for k, v in given.items() if v is not None or k not in ("risk2", "known", "known2")}

    @property
    def is_dual(self) -> bool:
        """Each of two outcomes has groups of its own."""
        return isinstance(self.groups, tuple)


OUTCOME_FAMILIES = {"normal": "normal", "logit": "logit", "poisson": "poisson", "mlogit": "nominal"}  # traj's -> ours


@dataclass(frozen=True, kw_only=True)
class DistalOutcome:
    """Traj's distal outcome, fitted with the trajectories: log f(y_i) + log g(o_i; sum_k P_ik gamma_k + c'v_i).

    Parameters
    ----------
    outcome : column of o, one value a person; who has none, or lacks a covariate of it, is left out of the fit
    omodel : "normal", "logit", "poisson" or "mlogit"
    ocov : columns v
    baseoutcome : mlogit: the value that the others are compared with, the lowest when not given
    twostep : logit: the trajectories do not know of the outcome
    """

    outcome: str | None = option(None, "name")
    omodel: str | None = option(None, "name")
    ocov: tuple[str, ...] = option((), "names")
    baseoutcome: float | None = option(None, "bound")
    twostep: bool = option(False, "flag")

    def __post_init__(self) -> None:
        for name, how in options_of(DistalOutcome).items():
            object.__setattr__(self, name, how.read(getattr(self, name), name))
        given = [n for n in ("omodel", "ocov", "baseoutcome", "twostep") if getattr(self, n) not in (None, (), False)]
        wrong = None
        if self.outcome is None and given:
            wrong = given[0], "goes with outcome, which is not given.", "Give outcome='..' too."
        elif self.outcome is not None and self.omodel not in OUTCOME_FAMILIES:
            wrong = "omodel", f"{self.omodel!r} is none.", f"Use one of {', '.join(OUTCOME_FAMILIES)}."
        elif self.baseoutcome is not None and self.omodel != "mlogit":
            wrong = "baseoutcome", f"omodel='{self.omodel}' has no categories.", "It goes with omodel='mlogit'."
        elif self.twostep and (self.omodel != "logit" or self.ocov):
            wrong = ("twostep", "traj's goes with omodel='logit' and without ocov.",
                     "Leave it out, or fit without outcome and ask res.distal(.., method='two-step').")
        if wrong:
            raise SpecificationError(f"{wrong[0]}: {wrong[1]}", code="bad_distal", argument=wrong[0], way_out=wrong[2])

    @property
    def family(self) -> str:
        """As it is called here."""
        return OUTCOME_FAMILIES[self.omodel or ""]

    @property
    def columns(self) -> list[str]:
        """What stands in the data."""
        return [*([self.outcome] if self.outcome else []), *self.ocov]

    @property
    def formula(self) -> str:
        """As :func:`gbtm.distal.distal_outcome.distal` has it."""
        return " ~ ".join([f"`{self.outcome}`", " + ".join(["group", *(f"`{c}`" for c in self.ocov)])])


def described(
    arguments: Mapping[str, Any], formula: str | None = None, others: Sequence[str] = ()
) -> tuple[Outcome, Design]:
    """One outcome and the design, of arguments by name, each read and checked.

    Parameters
    ----------
    others : further arguments that the caller has, to be suggested for a name that is none

    Raises
    ------
    UnknownArgumentError
        For a name that is no option, with the one that was probably meant.
    SpecificationError
        For a value that an option cannot have, and for a family that may not have the option.
    """
    outcome_options, design_options = options_of(Outcome), options_of(Design)
    refuse_unknown(arguments, others)
    read = {n: (outcome_options.get(n) or design_options[n]).read(v, n) for n, v in arguments.items()}
    if read.get("groups") is None:
        read["groups"] = _groups_of(read.get("order"))
    given = {n: v for n, v in read.items() if v is not None}
    outcome = Outcome(formula=formula, **{n: v for n, v in given.items() if n in outcome_options})
    return outcome, Design(**{n: v for n, v in given.items() if n in design_options})


def several_described(
    outcomes: Sequence[str | Outcome], arguments: Mapping[str, Any], others: Sequence[str] = ()
) -> tuple[tuple[Outcome, ...], Design]:
    """Several outcomes and the design. Options of an outcome among ``arguments`` are those of outcomes that are text.

    Raises
    ------
    SpecificationError
        As :func:`described`; ``no_outcome`` where there is none, ``bad_formula`` for one without a formula, and
        ``whose_option`` for an option of an outcome where all have their own.
    """
    refuse_unknown(arguments, others)
    of_outcomes = {n: v for n, v in arguments.items() if n in options_of(Outcome)}
    whole = {n: v for n, v in arguments.items() if n not in of_outcomes}
    texts = [o for o in outcomes if isinstance(o, str)]
    if not outcomes:
        raise SpecificationError(
            "formula: the list of outcomes is empty.", code="no_outcome", argument="formula",
            way_out="Give formulas, or gbtm.Outcome('y ~ age', order=2), ...")
    if of_outcomes and not texts:
        name = next(iter(of_outcomes))
        raise SpecificationError(
            f"{name}: belongs to an outcome, and each has its own here.", code="whose_option", argument=name,
            way_out=f"Write gbtm.Outcome('...', {name}=...).",
        )
    made = tuple(Outcome(o, **of_outcomes) if isinstance(o, str) else o for o in outcomes)
    for outcome in made:
        if not isinstance(outcome, Outcome) or outcome.formula is None:
            raise SpecificationError(
                f"formula: {outcome!r} is no outcome with a formula.", code="bad_formula", argument="formula",
                way_out="Give formulas, or gbtm.Outcome('y ~ age', order=2), ...")
    several = [o.order for o in made if isinstance(o.order, tuple) and len(o.order) > 1]
    given = whole
    if whole.get("groups") is None and whole.get("link") == "dual" and len(several) == len(made) == 2:
        given = {**whole, "groups": tuple(len(o) for o in several)}
    elif whole.get("groups") is None:
        given = {**whole, "groups": _groups_of(several[0] if several else None)}
    return made, described(given)[1]


def refuse_unknown(given: Iterable[str], others: Sequence[str] = ()) -> None:
    """Raise for the first name that is neither an option nor among ``others``, the function's further arguments."""
    names = [*options_of(Outcome), *options_of(Design), *others]
    for name in given:
        if name in options_of(DistalOutcome):
            raise SpecificationError(
                f"{name}: a distal outcome is fitted with the trajectories by GBTM.from_formula on one table and one "
                "outcome only.", code="no_distal_here", argument=name,
                way_out="Leave it out, and ask the fit: res.distal('outcome ~ group', people), with method='traj' for "
                "the same regression.",
            )
        if name not in names:
            raise unknown_argument(name, names)


def _groups_of(order: tuple[int, ...] | None) -> int:
    """The number of groups where only their orders were given."""
    if order is None or len(order) < 2:
        raise SpecificationError(
            "groups: not given.", code="bad_groups", argument="groups",
            way_out="Give the number of groups, 1 or more.",
        )
    return len(order)
