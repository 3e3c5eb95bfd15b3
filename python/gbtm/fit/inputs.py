"""How the user's table was read: what is said once, what of each outcome, and what of each set of groups."""

from __future__ import annotations

from typing import Any

WHOLE = ("form", "id", "levels", "design")
OF_SETS = ("risk", "risk_design")
Inputs = dict[str, Any] | None


def split_inputs(inputs: Inputs) -> tuple[Inputs, Inputs, Inputs]:
    """Inputs of a model of one outcome as the document has them: its own, the outcome's, the set of groups'."""
    if inputs is None:
        return None, None, None
    whole = {k: v for k, v in inputs.items() if k in WHOLE}
    outcome = {k: v for k, v in inputs.items() if k not in (*WHOLE, *OF_SETS)}
    if "obsmar" in (whole.get("design") or {}):  # whose missing waves say nothing of dropout
        outcome["obsmar"] = whole["design"]["obsmar"]
        whole["design"] = {k: v for k, v in whole["design"].items() if k != "obsmar"}
    return whole, outcome, {k: inputs[k] for k in OF_SETS if k in inputs}


def joined_inputs(whole: Inputs, outcome: Inputs, group_set: Inputs) -> Inputs:
    """The inverse of :func:`split_inputs`."""
    if whole is None or outcome is None:
        return None
    design = dict(whole.get("design") or {})
    if "obsmar" in outcome:
        design["obsmar"] = outcome["obsmar"]
    further = {k: v for k, v in outcome.items() if k != "obsmar"}
    return {**whole, **further, **(group_set or {}), **({"design": design} if "design" in whole else {})}
