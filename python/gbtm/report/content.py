"""What a report says: sections, tables, figures, checklists and code of a fit and the search it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..compute.progress import Progress
from ..errors import SpecificationError
from ..figures.style import colors_of_outcome
from ..fit.known_words import known_sentence
from ..fit.summary import family_title
from ..recipes.code import LANGUAGES, code_for
from ..recipes.reading import files_named
from ..recipes.recipe import is_dual
from ..resampling.known_accuracy import known_accuracy
from ..specification.outcome_spec import OutcomeSpec
from ..tables.numbers import are_whole, show
from ..tables.table import Table, table_of
from .answers_on_models import entropy_words, numbers_words
from .attrition import attrition
from .blocks import Builder, ChecklistBlock, CodeBlock, FigureBlock, Report
from .checklist import SOURCE_2017, SOURCE_REVISED
from .distal_section import distal_results, distal_section
from .dual_tables import TABLES, of_sets
from .fit_tables import (
    cases_table,
    choice_table,
    classification_table,
    contributions_table,
    estimates_table,
    groups_table,
    make_table,
    odds_table,
    share_sentence,
)
from .grolts import COMPLETE, FILLED, WRITE, Answer, grolts, place_of
from .pictures import DRAWINGS, draw
from .software import versions_sentence

if TYPE_CHECKING:
    from ..api.results import GBTMResults

PANELS_MOST = 12  # with more models only the best one for each number of groups is drawn
CODE = "Code that makes the fit again"
CHECKLIST = "GRoLTS checklist (2017)"
REVISED = "GRoLTS checklist, the revision's 18 questions"


def compose(
    res: GBTMResults, search: Any = None, *, title: str | None = None, author: str | None = None,
    data_description: str | None = None, checks: Any = None, level: float = 0.95, data_file: str = "data.csv",
    distal: Any = None, progress: Progress | None = None,
) -> Report:
    """The report of a fit, not yet written to a file."""
    to = Builder(progress)
    outs = distal_results(res, distal)
    _summary(to, res, search)
    _data(to, res, data_description)
    if search is not None:
        _choice(to, search, res)
    _model(to, res, level)
    _groups(to, res)
    distal_section(to, outs, level)
    if checks is not None:
        _checks(to, checks)
    to.places["code"] = f"Section \"{CODE}\""
    for heading, source, revised in ((CHECKLIST, SOURCE_2017, False), (REVISED, SOURCE_REVISED, True)):
        answers = grolts(res, search, revised=revised, checks=checks, places=to.places)
        to.heading(heading)
        to.say(_counted(answers))
        to.blocks.append(ChecklistBlock(source, tuple(answers)))
    to.heading(CODE)
    first = "" if search is None else (
        " The search is run first, then the model that was picked is fitted by itself." if len(res.outcomes) == 1
        else " It fits the model that was picked by itself, without the search.")
    data_file, files = (data_file, "file") if res.on_disk is None else (files_named(data_file), "files")
    to.say(f"It reads the data from {data_file}; put the name of your {files} there.{first}")
    to.blocks += [CodeBlock(language, code_for(res, language, data_file, search)) for language in LANGUAGES]
    to.heading("Software")
    to.say(versions_sentence(res))
    name = f"Trajectories of {res.outcome_name} over {res.time_name}" if len(res.outcomes) == 1 else (
        f"Trajectories of {_listed(res.outcome_names)}, "
        + ("each with groups of its own" if is_dual(res) else "whose groups are the same"))
    return Report(title or name, author or "", tuple(to.blocks))


def _counted(answers: Sequence[Answer]) -> str:
    status = [a.status for a in answers]
    return (
        f"{len(status)} questions. Filled in by the software: {status.count(FILLED)}; filled in, to be completed by "
        f"the author: {status.count(COMPLETE)}; to be written by the author: {status.count(WRITE)}."
    )


# -- sections ----------------------------------------------------------------------------------------------------


def _summary(to: Builder, res: GBTMResults, search: Any) -> None:
    k, dual = res.n_groups, is_dual(res)
    to.heading("Summary")
    one = len(res.outcomes) == 1
    curves = f"a curve over {res.time_name} each ({_shape(res.outcomes[0].spec, k)})" if one else (
        "curves of each outcome (" + "; ".join(
            f"{o.name} over {o.time_name}: {_shape(o.spec, k)}" for o in res.outcomes) + ")")
    groups = f"group{'' if k == 1 else 's'}"
    described = f"{k} {groups} with {curves}" if not dual else (
        "{} groups of {} and {} groups of {}, these given those, with {}".format(
            *(x for o, size in zip(res.outcome_names, res.spec.set_sizes, strict=True) for x in (size, o)), curves))
    to.say(
        f"{res.n_subjects} subjects with {res.nobs} observations of {_listed(res.outcome_names)} are described by "
        f"{described}. Distribution: {family_title(res)}. "
        + (f"Estimated sizes: {share_sentence(res)}." if k > 1 else "")
        + ("" if res.constraints is None else f" {res.constraints.sentence}")
        + (f" {known_sentence(res)}" if known_sentence(res) else "")
    )
    reached = res.search.sentence
    ended = "The fit converged." if res.converged else "The fit did not converge."
    to.say(
        f"Log-likelihood {show(res.llf, 'criterion')} with {res.df_model} parameters; BIC {show(res.bic, 'criterion')} "
        f"(n = subjects)"
        + (f"; relative entropy {entropy_words(res)}" if k > 1 else "") + f". {reached} {ended}"
    )
    if res.prior is not None:
        to.say(res.prior.sentence)
    if search is not None:
        _say_search(to, search)
    if res.warnings:
        to.say("Read these before using the numbers:", warning=True)
        to.list(res.warnings, warning=True)
    to.say("Name the groups by their curves, and say what they stand for.", prompt=True)
    _draw(to, "curves", res)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _shape(spec: OutcomeSpec, k: int) -> str:
    return spec.curve.words if spec.curve is not None else f"basis {spec.basis}" if spec.orders is None else (
        f"polynomial order{'s' if k > 1 else ''} {', '.join(str(o) for o in spec.orders)}")


def _say_search(to: Builder, search: Any) -> None:
    to.say(f"The model was chosen among {len(search.table)} models with {numbers_words(search.table)}.")


def _data(to: Builder, res: GBTMResults, description: str | None) -> None:
    to.heading("Data and attrition")
    if description:
        to.say(description)
    else:
        to.say("Describe the sample, the outcome and how it was measured, and the times of measurement.", prompt=True)
    for outcome in res.outcome_names:
        losses = attrition(res.of_outcome(outcome))
        several = len(res.outcomes) > 1
        to.list([f"{outcome}: {s}" for s in losses.sentences] if several else losses.sentences)
        for name, table in zip(losses.names, losses.tables, strict=True):
            if name == "dropped" and outcome != res.outcome_names[0]:
                continue  # it is of all outcomes
            to.table(place_of(name, outcome) if several else name,
                     replace(table, caption=f"{outcome}: {table.caption}") if several else table)


def _choice(to: Builder, search: Any, res: GBTMResults) -> None:
    to.heading("Choice of the model")
    to.list([str(s) for s in getattr(search, "sentences", ())])
    to.table("choice", choice_table(search, res))
    _draw(to, "criteria", search)
    to.table("classification", classification_table(search, res))
    to.table("cases", cases_table(search, res))
    every = len(search.fits) <= PANELS_MOST
    for outcome in res.outcome_names if len(res.outcomes) > 1 else [None]:
        _draw(to, "panels" if every else "best_panels", search, of=outcome, which="all" if every else "best",
              outcome=outcome)
    to.say("Say what subject matter adds to the choice.", prompt=True)


def _model(to: Builder, res: GBTMResults, level: float) -> None:
    to.heading("The model")
    to.table("estimates", estimates_table(res, level))
    second = is_dual(res) and res.pairs.basis.names  # type: ignore[attr-defined]
    if res.n_groups > 1 and (res.group_sets[0].membership.covariate_names or second):
        to.table("odds", odds_table(res, level))


def _groups(to: Builder, res: GBTMResults) -> None:
    to.heading("The groups")
    to.table("groups", groups_table(res))
    if is_dual(res):
        _pairs(to, res)
        return
    if res.on_disk is not None:
        to.say("The people are on disk, and the fit keeps sums over them: what is of each person, such as observed "
               "trajectories and probabilities, is not in this report."
               + (" Nor is what each outcome adds." if len(res.outcomes) > 1 else ""))
        return
    further: dict[str, Any] = {} if len(res.outcomes) == 1 else {"individuals": True}
    _draw(to, "individuals", res, **further)
    if known_sentence(res):
        to.say(_accuracy(to, res))
    if len(res.outcomes) > 1 and res.n_groups > 1:
        to.table("contributions", contributions_table(res))
        to.list([*res.outcome_contributions().attrs["notes"], *_independence(res)])
    if res.n_groups > 1:
        _draw(to, "posteriors", res)


def _accuracy(to: Builder, res: GBTMResults, groups_of: str | None = None) -> str:
    """How often the known groups are found, where these are hidden."""
    to.tell("report: hiding known groups")
    try:
        return known_accuracy(res, groups_of=groups_of).sentence
    except SpecificationError as error:  # nobody is known for certain
        return f"There is no held-out accuracy: {error.message}"


def _pairs(to: Builder, res: GBTMResults) -> None:
    """The groups of a dual model: each outcome's people, and how the groups hang together."""
    for number, (_, one) in enumerate(of_sets(res)):
        colors = colors_of_outcome(res, number)
        _draw(to, "individuals", one, of=one.outcome_name, colors=colors)
        _draw(to, "posteriors", one, of=one.outcome_name, colors=colors)
        if known_sentence(one):
            to.say(_accuracy(to, res, groups_of=one.outcome_name))
    to.heading("How the groups hang together")
    for name in TABLES:
        to.table(name, make_table(res, name))
    _draw(to, "transitions", res)


def _independence(res: GBTMResults) -> list[str]:
    """Whether outcomes are independent within groups; nothing where no two were measured at one time."""
    try:
        return [str(note) for note in res.residual_correlations().attrs["notes"]]
    except SpecificationError:
        return []


def _checks(to: Builder, checks: Any) -> None:
    to.heading("Residual checks")
    to.list([str(s) for s in getattr(checks, "sentences", ())])
    _draw(to, "checks", checks)
    captions = (("means", "Observed and fitted means by group"), ("autocorrelation", "Residual autocorrelation"))
    for name, caption in captions:
        frame = getattr(checks, name, None)
        if isinstance(frame, pd.DataFrame) and len(frame):
            to.table(name, check_table(frame, caption))


def check_table(frame: pd.DataFrame, caption: str) -> Table:
    """A table of residual checks."""
    plain = frame.index.name is None and isinstance(frame.index, pd.RangeIndex)
    kinds = {c: "tenths" for c in ("n", "weight") if c in frame and not are_whole(frame[c])}
    return table_of(frame, index=not plain, caption=caption, kinds=kinds, gap="too few observations.",
                    headings={"n": "n", "observed": "Observed", "fitted": "Fitted", "se": "SE", "lag": "Lag",
                              "pairs": "Pairs", "correlation": "Correlation", "time": "Time"})


def _draw(to: Builder, name: str, subject: Any, *, of: str | None = None, **options: Any) -> None:
    """A figure, of an outcome by name where there are several of its kind."""
    to.tell(f"report: drawing figure {sum(isinstance(b, FigureBlock) for b in to.blocks) + 1}")
    outcomes: Any = getattr(subject, "outcomes", ())
    of_levels = len(outcomes) == 1 and not outcomes[0].spec.traits.has_mean
    own = f"{name}_of_{'outcomes' if len(outcomes) > 1 else 'levels' if of_levels else 'one'}"
    picture = draw(own if own in DRAWINGS else name, subject, **options)
    if picture is not None:
        number = sum(isinstance(b, FigureBlock) and b.name.partition("-")[0] == name for b in to.blocks) + 1
        caption = picture.caption if of is None else f"{of}: {picture.caption}"
        to.figure(name if number == 1 else f"{name}-{number}", caption, picture.png)
