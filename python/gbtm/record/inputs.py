"""How the user's table was read: what is said once, what of each outcome, and what of each set of groups."""

from __future__ import annotations

from typing import Any

WHOLE = ("form", "id", "levels", "design", "event", "event_design")
OF_SETS = ("risk", "risk_design", "risk2", "risk2_design")
Inputs = dict[str, Any] | None


def split_inputs(inputs: Inputs, n_outcomes: int = 1) -> tuple[Inputs, list[Inputs], Inputs]:
    """Inputs of a model as the document has them: its own, each outcome's, the set of groups'.

    Those of several outcomes stand in a list by the name of ``outcomes``.
    """
    if inputs is None:
        return None, [None] * n_outcomes, None
    model_inputs = {k: v for k, v in inputs.items() if k in WHOLE}
    of_sets = {k: inputs[k] for k in OF_SETS if k in inputs}
    if "outcomes" in inputs:
        return model_inputs, list(inputs["outcomes"]), of_sets
    outcome = {k: v for k, v in inputs.items() if k not in (*WHOLE, *OF_SETS)}
    if "obsmar" in (model_inputs.get("design") or {}):  # whose missing waves say nothing of dropout
        outcome["obsmar"] = model_inputs["design"]["obsmar"]
        model_inputs["design"] = {k: v for k, v in model_inputs["design"].items() if k != "obsmar"}
    return model_inputs, [outcome], of_sets


def joined_inputs(model_inputs: Inputs, outcomes: list[Inputs], group_set: Inputs) -> Inputs:
    """The inverse of :func:`split_inputs`."""
    if model_inputs is None or any(o is None for o in outcomes):
        return None
    if len(outcomes) > 1:
        return {**model_inputs, **(group_set or {}), "outcomes": outcomes}
    outcome, design = outcomes[0] or {}, dict(model_inputs.get("design") or {})
    if "obsmar" in outcome:
        design["obsmar"] = outcome["obsmar"]
    further = {k: v for k, v in outcome.items() if k != "obsmar"}
    return {**model_inputs, **further, **(group_set or {}), **({"design": design} if "design" in model_inputs else {})}
