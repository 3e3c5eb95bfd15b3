"""What a search was asked for, read back from the search: the arguments any language has to be given again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from inspect import signature
from typing import TYPE_CHECKING, Any

from .recipe import Recipe, recipe
from .spec_options import arguments_of

if TYPE_CHECKING:
    from ..api.results import GBTMResults
    from ..selection.candidates import Space

SAME_LOGLIK = 1e-6
SETTINGS = ("n_starts", "max_starts", "shape_starts", "cov_type", "time_budget")
LATER = ("cv_loglik", "blrt")  # criteria that are computed after the search, if asked for


@dataclass(frozen=True)
class SearchRecipe:
    """Attributes
    ----------
    recipe : the arguments; worker processes and checkpoint are left out, as no digit depends on them
    space : the models that were considered
    label : of the fit that is reported; None where it is none of the search's
    criterion : by which it is the best: "" for the search's own, None where no criterion of the search chooses it
    settings_lost : a sentence, where a file of an earlier version does not have the settings
    """

    recipe: Recipe
    space: Space
    label: str | None
    criterion: str | None
    settings_lost: str = ""

    @property
    def comment(self) -> str:
        """Over the search."""
        return "The search over models" + (", and the model picked from it." if self.label is not None else ".")

    @property
    def then(self) -> str:
        """Over the fit that follows."""
        return "The same model by itself." if self.label is not None else "The fit reported is none of the search's."


def search_recipe(search: Any, res: GBTMResults) -> SearchRecipe:
    """How to ask for this search again, and for its fit ``res``."""
    space: Space = search.space
    arguments = recipe(next(iter(search.fits.values()), res))
    given = search.settings or {}
    fit = {k: given[k] for k in SETTINGS if k in given and given[k] != _default(k)}
    event = {k: v for k, v in arguments.model.items() if k == "event"}
    arguments = replace(
        arguments, model={**_searched(search, space), **_shared(space), **event}, fit={"rng": int(search.rng), **fit},
        from_start=False, searches_orders=space.orders is not None,
    )
    label = label_of(search, res)
    lost = "" if search.settings is not None else "How many starts were asked for is not known: these are the defaults."
    return SearchRecipe(arguments, space, label, _chosen_by(search, label), lost)


def _searched(search: Any, space: Space) -> dict[str, Any]:
    arguments: dict[str, Any] = {"groups": _up_to(space.groups, 1), "how": search.how, "criterion": search.criterion}
    if space.orders is not None:
        arguments["order"] = _up_to(space.orders, 0)
    in_turn = ("groups", "order", "how", "criterion")
    return {k: arguments[k] for k in in_turn if k in arguments and arguments[k] != _default(k)}


def _default(argument: str) -> Any:
    """What a search is asked for where nothing is said."""
    from ..selection.search import search

    return signature(search).parameters[argument].default


def _up_to(values: Sequence[int], first: int) -> int | list[int]:
    """One number where it stands for all up to it."""
    every = list(range(first, values[-1] + 1))
    return values[-1] if list(values) == every else list(values)


def _shared(space: Space) -> dict[str, Any]:
    """The arguments that all models of the search share."""
    model = arguments_of(space.template)
    for name in ("groups", "order", "refgroup"):
        model.pop(name, None)
    if space.zero == "order":
        model["iorder"] = "order"
    elif space.zero == "own":
        model["iorder_by_group"] = True
    if space.reference:
        model["refgroup"] = space.reference + 1
    return model


def _chosen_by(search: Any, label: str | None) -> str | None:
    from ..selection.models import TWINS

    choices = {str(k): str(v) for k, v in search.choices.items() if k not in LATER}
    if label is None:
        return None
    if choices.get(TWINS.get(search.criterion, search.criterion)) == label:
        return ""
    return next((criterion for criterion, chosen in choices.items() if chosen == label), None)


def label_of(search: Any, final: GBTMResults | None) -> str | None:
    """The final model's label in the search."""
    if final is None:
        return None
    same = [label for label, fit in search.fits.items() if fit is final]
    alike = [
        label for label, fit in search.fits.items()
        if fit.spec == final.spec and abs(fit.llf - final.llf) < SAME_LOGLIK
    ]
    return next(iter([*same, *alike]), None)
