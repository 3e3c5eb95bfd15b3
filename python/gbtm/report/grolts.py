"""The GRoLTS checklist filled in from a fit: what the software knows is written, what it cannot know is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .answers_on_data import DATA_TOPICS
from .answers_on_models import MODEL_TOPICS
from .attrition import attrition
from .checklist import GROLTS_2017, GROLTS_REVISED, Question
from .evidence import Evidence, Reply

if TYPE_CHECKING:
    from ..api.results import GBTMResults

FILLED = "filled in by the software"
COMPLETE = "filled in by the software, to be completed by the author"
WRITE = "to be written by the author"


@dataclass(frozen=True)
class Answer:
    """Attributes
    ----------
    question : what is asked
    text : what the software knows, "" for nothing
    prompt : what the author has to write, "" for nothing
    """

    question: Question
    text: str = ""
    prompt: str = ""

    @property
    def status(self) -> str:
        if self.text and self.prompt:
            return COMPLETE
        return FILLED if self.text else WRITE


OF_OUTCOMES = ("time", "spread", "distribution", "within", "between", "shapes")  # topics that are of one outcome
PLACES = ("waves", "patterns", "per_subject")  # of an outcome's own tables
TOPICS = {**DATA_TOPICS, **MODEL_TOPICS}


def grolts(
    res: GBTMResults, search: Any = None, *, revised: bool = False, checks: Any = None,
    places: Mapping[str, str] | None = None,
) -> list[Answer]:
    """The checklist's questions with their answers.

    Parameters
    ----------
    res : the final model
    search : the ModelSearch it was chosen from
    revised : the revision's 18 questions instead of the 21 of 2017
    checks : residual checks of the fit
    places : where a report shows things, by name: "waves", "estimates", "groups", "choice", "cases", "curves" ..

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.report.grolts import grolts
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=[1, 2]).fit(rng=0)
    >>> answers = grolts(res)
    >>> len(answers), answers[15].text
    (21, 'Relative entropy is 1.000.')
    """
    shown = dict(places or {})
    questions = GROLTS_REVISED if revised else GROLTS_2017
    if len(res.outcomes) == 1:
        evidence = Evidence(res, attrition(res), search, checks, shown)
        return [Answer(q, *TOPICS[q.topic](evidence)) for q in questions]
    each = {
        name: Evidence(one, attrition(one), search, checks, {
            **shown, **{p: shown[place_of(p, name)] for p in PLACES if place_of(p, name) in shown}})
        for name, one in ((name, res.of_outcome(name)) for name in res.outcome_names)
    }
    whole = Evidence(res, next(iter(each.values())).attrition, search, checks, shown)
    return [Answer(q, *(_of_each(q, each) if q.topic in OF_OUTCOMES else TOPICS[q.topic](whole))) for q in questions]


def place_of(name: str, outcome: str) -> str:
    """What a table of one outcome is called among the places of a report on several."""
    return f"{name}: {outcome}"


def _of_each(question: Question, evidence: Mapping[str, Evidence]) -> Reply:
    """The answer for each outcome, one after the other; what the author has to write is asked once where it is the
    same."""
    replies = {name: TOPICS[question.topic](own) for name, own in evidence.items()}
    text = " ".join(f"{name}: {said}" for name, (said, _) in replies.items() if said)
    return text, " ".join(dict.fromkeys(asked for _, asked in replies.values() if asked))
