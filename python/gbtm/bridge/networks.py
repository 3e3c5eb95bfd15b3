"""The check of the multinomial logit against a network, for R."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from ..compute.progress import Progress
from ..record.document import encode
from .transfer import answer, fit_of, frame, new_bulk


def linearity_check(document: str, options: str, tell: Progress | None) -> str:
    """:func:`gbtm.linearity_check` of a stored fit; ``options`` are its arguments as JSON."""
    from ..networks.linearity import linearity_check as check

    def work() -> dict[str, Any]:
        found = check(fit_of(document), progress=tell or False, **json.loads(options))
        bulk = new_bulk()
        stored = found.document
        by_subject = pd.DataFrame(found.by_subject.to_numpy(), columns=["no_covariates", "logit", "network"])
        return {
            "table": frame(found.table.reset_index(), bulk), "by_subject": frame(by_subject, bulk),
            "weights": encode({"network": stored["network"], "logit": stored["logit"]}, bulk),
            "dependence": encode(stored["dependence"], bulk), "value": encode(stored["value"], bulk),
            "covariate": stored["covariate"], "groups": stored["groups"], "ridges": stored["ridges"],
            "ridge": None if found.ridge != found.ridge else found.ridge, "sentence": found.sentence,
        }

    return answer(work)
