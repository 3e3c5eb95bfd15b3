"""The fields of a fit document and their shapes, in one table, and the check of a document against it.

A rule is a word, "text", "number", "count", "flag", "list" or "numbers", with sizes behind it: ``"numbers N K"`` is an
array (N, K). A size is what it was where it first stood, ``_`` is any. A rule may be a dict of the fields of an object,
where ``*`` stands for every field there is, or a list with the rule of each item, whose own sizes end with it. A field
whose name ends in ``?`` may be null, one that ends in ``~`` may be missing, as in files from before it was stored. One
with ``@`` in front is of the data, which the fits of a search do without.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from ..errors import DataError
from ..specification.outcome_spec import OutcomeSpec

Rule = Any  # str | dict[str, Rule] | list[Rule]

COVARIATES = {"names": "list _", "centre": "numbers _", "scale": "numbers _", "mix": "numbers _ _"}
RECORDS = {
    "subject": "numbers r", "wave": "numbers r", "y": "numbers r", "covariates": "numbers r _", "names": "list _",
}
OUTCOME = {
    "name": "text", "time_name": "text", "group_set": "count", "spec": {"family": "text"}, "inputs?": {},
    "centre": "number", "scale": "number", "time_scale": "number", "bases": {"*": {}},
    "coefficients": {"mean": "numbers K _", "*": "numbers K _"}, "offsets": {"mean": "numbers K", "*": "numbers K"},
    "positions": {"mean": "numbers K _", "*": "numbers K _"}, "columns": "list _", "covariates?": COVARIATES,
    "profile?": {"times": "numbers T", "values": "numbers T _", "of_time~": {
        "columns": "list c", "coefficients": "numbers c _", "centre": "number", "scale": "number"}},
    "nobs": "count n", "times~": "numbers _", "n_shared~": "count",
    "lags?~": {"terms": "list _", "waves": "numbers _", "time": "text", "design?": {}},
    "@data": {
        "subject": "numbers n", "time": "numbers n", "y": "numbers n", "wave": "numbers n",
        "covariates?": "numbers n _", "exposure?": "numbers n", "lag_source?~": "numbers n L",
        "lag_values?~": "numbers n L",
    },
    "dropout?": {
        "orders": "list K", "basis": {"centre": "numbers _", "scale": "numbers _", "mix": "numbers _ _"},
        "covariates?": COVARIATES, "n_waves": "count", "n_records": "count r", "n_dropped": "count",
        "@records": RECORDS,
    },
}
GROUP_SET = {
    "n_groups": "count K", "reference": "count", "inputs?": {}, "shares": "numbers K", "cov_shares": "numbers K K",
    "posterior?": "numbers N K", "out_of_sample?": "numbers _ K",
    "membership": {
        "names": "list R", "centre": "numbers _", "scale": "numbers _", "mix": "numbers _ _",
        "coefficients": "numbers K R", "positions": "numbers K R", "@risk?": "numbers N _",
    },
}
DUAL = {
    "basis": {"n_from": "count J", "names": "list _", "centre": "numbers _", "scale": "numbers _"},
    "coefficients": "numbers K M", "positions": "numbers K M", "@risk?": "numbers N _", "shares": "numbers C",
    "jacobian": "numbers C p", "posterior": "numbers N C", "out_of_sample?": "numbers _ C",
    "separate": {"logliks": "list _", "n_parameters": "list _"},
    "two_step": {"loglik": "number", "shares": "numbers C", "jacobian~": "numbers C t", "cov~": "numbers t t",
                 "undetermined~": "numbers t _"},
}
SEARCH = {
    "optima": [{
        "rank": "count", "loglik?": "number", "difference?": "number", "hits": "count", "converged": "flag",
        "collapsed": "flag", "shares": ["list _"], "how": "text",
    }],
    "n_starts": "count", "n_moves": "count", "n_failed": "count", "found_by_move": "flag", "out_of_time": "flag",
    "user_start": "flag", "sentence": "text", "rng?": "count", "n_starts_asked?": "count",
}
PRIOR = {
    "strengths": {"shares": "number", "curves": "number", "zero": "number", "sigma": "number", "ridge?": "number",
                  "firth": "flag"},
    "log_prior": "number",
}
EVENT = {
    "hazard": "text", "cuts": "list _", "n_intervals": "count", "n_causes": "count", "names": "list _",
    "spread": "list _", "n_known": "count", "n_events": "list _", "@known": "numbers N _",
    "effects_by_group~": "flag",
}
FIT = {
    "created_by": "text", "n_subjects": "count N", "nobs": "count", "formula?": "text", "inputs?": {},
    "id_name": "text", "@ids": "list N", "out_of_sample_ids?": "list _", "names": "list p", "traj_names": "list p",
    "outcomes": [OUTCOME], "group_sets": [GROUP_SET],
    "blocks": [{
        "kind": "text", "outcome?": "count", "group_set": "count", "group?": "count", "start": "count",
        "width": "count",
    }],
    "params": "numbers p", "cov_params": "numbers p p", "cov_type": "text", "df_inference~": "number",
    "identified": "list p",
    "internal": {
        "params": "numbers p", "cov": "numbers p p", "undetermined": "numbers p _", "jacobian~": "numbers p p",
        "root~": "numbers p _", "information_root~": "numbers p _",
    },
    "loglik": "number", "prior~": PRIOR,
    "@weights?": "numbers N", "@cluster?": "numbers N", "@stratum?": "numbers N", "@known_groups?~": "numbers N _",
    "@known_groups2?~": "numbers N _",
    "search": SEARCH,
    "certificate": {
        "gradient?": "number", "smallest_eigenvalue?": "number", "decrement?": "number", "converged": "flag",
    },
    "warnings": [{"code": "text", "group?": "count", "message": "text"}], "@dropped": {"sentence": "text"},
    "seconds?": "number", "part_of~": "list _", "dual~": DUAL, "event~": EVENT,
    "constraints~": {"texts": "list _", "n_free": "count", "fixed": "list _", "at_bound": "list _", "held": "list _"},
}
def _counts(wave: str, pattern: str) -> dict[str, Rule]:
    """Of who was observed when; the words are sizes."""
    moments = {name: f"numbers {wave}" for name in ("count", "mean", "squares")}
    return {
        "common": "flag", "time": moments, "outcome": moments, "first": f"numbers {wave}", "last": f"numbers {wave}",
        "sizes": "numbers _", "patterns": f"numbers {pattern}", "having": f"numbers {pattern}",
        "values": dict.fromkeys(moments, "numbers _"), "least": "number", "most": "number",
        **dict.fromkeys(("zeros", "ones", "lower", "upper"), "count"),
    }


ON_DISK = {
    "files": "list _", "n_blocks": "count", "n_assigned": "numbers K", "assigned": "numbers K", "certain": "numbers K",
    "posterior": "numbers K",
    "gap": "numbers K", "gap_squares": "numbers K", "squares": "number", "uncertainty": "number",
    "weighted_uncertainty": "number", "waves": "numbers w", "means": "numbers w K", "mass": "numbers w K",
    "risk": "numbers U _", "risk_weight": "numbers U", "sd": "number", "weighted": "flag",
    "counts~": _counts("v", "P"), "shares~": "numbers w K S",
    "further~": [{"waves": "numbers f", "means": "numbers f K", "mass": "numbers f K", "sd": "number",
                  "counts~": _counts("v2", "P2"), "shares~": "numbers f K S2"}],
}
FIT["on_disk~"] = ON_DISK
TEMPLATE = {"outcomes": [{"family": "text"}], "n_groups": "count", "reference": "count", "dropout?": "list _"}
FIT_V1 = {  # what version 1 is made into version 2 from; the rest is checked as version 2
    "nobs": "count", "spec": TEMPLATE,
    "outcomes": [{}], "blocks": [{"kind": "text"}], "search": {"optima": [{"shares": "list _"}]}, "membership": {},
    "shares": "numbers _", "cov_shares": "numbers _ _", "posterior": "numbers _ _", "@data": {},
}
SHARED_DATA = {
    "ids": "list N", "weights?": "numbers N", "cluster?": "numbers N", "stratum?": "numbers N",
    "known_groups~": "numbers N _", "known_groups2~": "numbers N _",
    "dropped": {"sentence": "text"}, "outcomes": [{"data": OUTCOME["@data"], "records?": RECORDS}],
    "group_sets": [{"risk?": "numbers N _"}], "risk2?~": "numbers N _", "event~": "numbers N _",
}
SHARED_V1 = {"data": {}, "records?": {}, "risk?": "numbers _ _"}
SEARCH_FILE = {
    "how": "text", "criterion": "text", "rng": "count", "happened": {}, "later": {},
    "space": {
        "template": TEMPLATE, "groups": "list _", "orders?": "list _", "zero": "text", "reference": "count",
        "second_groups~": "list _", "second_reference~": "count",
    },
    "shared": {},
    "fits": [{"label": "text", "n_groups": "count", "orders?": "list _", "document?": {}, "failure": "text",
              "second_groups~": "count"}],
}


def check_fields(document: Mapping[str, Any], rule: Rule, source: str, *, data: bool = True) -> None:
    """Refuse a document that lacks a field or has it in another shape.

    Parameters
    ----------
    rule : ``FIT`` or another of these tables
    source : what to call it
    data : False for a fit of a search, which has the data elsewhere

    Raises
    ------
    DataError
        ``bad_document``, naming the field.
    """
    problem = next(_problems(document, rule, "", {}, data), None)
    if problem is not None:
        raise DataError(
            f"{source}: {problem}.", code="bad_document", argument="path", way_out="Give a file as it was written.",
        )


def check_references(document: Mapping[str, Any], source: str) -> None:
    """Refuse a checked document whose parts point to others that are not there, or that this package does not know."""
    problem = next(_broken(document), None)
    if problem is not None:
        raise DataError(f"{source}: {problem}.", code="bad_document", argument="path", way_out="Update gbtm.")


def _broken(document: Mapping[str, Any]) -> Iterator[str]:
    sets, spec_fields = document["group_sets"], {f.name for f in fields(OutcomeSpec)}
    if document.get("on_disk") is None and any(s["posterior"] is None for s in sets):
        yield "'group_sets' have no 'posterior', and 'on_disk' does not say that the people are elsewhere"
    for i, outcome in enumerate(document["outcomes"]):
        where = f"'outcomes[{i}]"
        unknown = sorted(set(outcome["spec"]) - spec_fields)
        if unknown:
            yield f"{where}.spec' has {unknown[0]!r}, which this package does not know"
        if outcome["group_set"] >= len(sets):
            yield f"{where}.group_set' is {outcome['group_set']}, of {len(sets)} there are"
        elif np.shape(outcome["coefficients"]["mean"])[0] != sets[outcome["group_set"]]["n_groups"]:
            yield f"{where}.coefficients' are not those of {sets[outcome['group_set']]['n_groups']} groups"
    if (len(sets) > 1) != (document.get("dual") is not None) or len(sets) > 2:
        yield f"'group_sets' are {len(sets)}, and 'dual' says {'nothing of' if len(sets) > 1 else 'that there are'} two"
    for block in document["blocks"]:
        if block["start"] + block["width"] > len(document["names"]):
            yield "'blocks' has parameters that 'names' has not"


def _problems(value: Any, rule: Rule, path: str, sizes: dict[str, int], data: bool) -> Iterator[str]:
    if isinstance(rule, str):
        problem = _of_word(value, rule.split(), sizes)
        if problem:
            yield f"'{path}' is {problem}"
    elif isinstance(rule, list):
        if not isinstance(value, (list, tuple)):
            yield f"'{path}' is no list"
            return
        for i, item in enumerate(value):
            yield from _problems(item, rule[0], f"{path}[{i}]", dict(sizes), data)
    elif not isinstance(value, Mapping):
        yield f"'{path}' is no object"
    else:
        for name, field_rule in rule.items():
            yield from _field(value, name, field_rule, path, sizes, data)


def _field(
    value: Mapping[str, Any], name: str, rule: Rule, path: str, sizes: dict[str, int], data: bool
) -> Iterator[str]:
    plain = name.strip("@?~")
    here = f"{path}.{plain}" if path else plain
    if name == "*":
        for key, item in value.items():
            yield from _problems(item, rule, f"{path}.{key}", sizes, data)
    elif name.startswith("@") and not data:
        return
    elif plain not in value:
        if not name.endswith("~"):
            yield f"'{here}' is missing"
    elif value[plain] is not None or "?" not in name:
        yield from _problems(value[plain], rule, here, sizes, data)


def _of_word(value: Any, rule: list[str], sizes: dict[str, int]) -> str:
    """What is wrong with a value; "" where nothing is."""
    word, names = rule[0], rule[1:]
    if word == "text":
        return "" if isinstance(value, str) else "no text"
    if word == "flag":
        return "" if isinstance(value, (bool, np.bool_)) else "neither true nor false"
    if word in ("number", "count"):
        number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if not number or (word == "count" and (value < 0 or value != int(value))):
            return "no number" if word == "number" else "no whole number from 0 on"
        shape: tuple[int, ...] = (int(value),) if names else ()
    else:
        dimensions = (len(value),) if word == "list" and isinstance(value, (list, tuple)) else _shape(value)
        if dimensions is None:
            return "no list" if word == "list" else "no array of numbers"
        shape = dimensions
    wanted = tuple(sizes.get(n) for n in names)
    if len(shape) != len(names) or any(w not in (None, s) for s, w in zip(shape, wanted, strict=True)):
        return f"of shape ({_shown(shape)}) instead of ({_shown(s if w is None else w for s, w in zip(names, wanted))})"
    sizes.update({n: s for n, s in zip(names, shape, strict=True) if n != "_"})
    return ""


def _shape(value: Any) -> tuple[int, ...] | None:
    if not isinstance(value, (np.ndarray, list, tuple)):
        return None
    try:
        return np.shape(np.asarray(value, dtype=float))
    except (TypeError, ValueError):
        return None


def _shown(sizes: Any) -> str:
    return ", ".join(str(s) for s in sizes)
