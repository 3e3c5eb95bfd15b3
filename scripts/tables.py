"""What R has to know of the engine, written from it: ``inst/extdata/families.json`` and ``options.json``.

R prints, draws and predicts without Python, and checks arguments before Python starts, so that it reads from a file
what Python asks of a family object or of the declared options. Run ``make tables`` after a change to either;
``test_traits.py`` and ``test_description.py`` say when a file is stale.
"""

from __future__ import annotations

import json
from pathlib import Path

from gbtm.families import FAMILIES, OTHER_NAMES
from gbtm.foreign_words import MEANT, SAID
from gbtm.specification.covariance_kinds import COVARIANCE_KINDS
from gbtm.specification.description import Design, DistalOutcome
from gbtm.specification.option import options_of
from gbtm.specification.outcome import Outcome

FOLDER = Path(__file__).resolve().parent.parent / "inst" / "extdata"
TRAITS = ("label", "link", "is_count", "is_binary", "has_bounds", "has_zero_part", "is_hurdle", "has_sigma",
          "has_dispersion", "may_correlate", "takes_trials", "has_levels", "is_positive", "of_log",
          "ties_zeros", "has_precision", "has_mean")


def families_table() -> str:
    """The traits that R asks for, by family, and what others call it."""
    rows = {name: {**{trait: getattr(family, trait) for trait in TRAITS},
                   "other_names": [other for other, own in OTHER_NAMES.items() if own == name]}
            for name, family in FAMILIES.items()}
    return json.dumps(rows, indent=2) + "\n"


def options_table() -> str:
    """The options of a model with the kind of their values, which of them are an outcome's, those of traj's distal
    outcome, what other programs call them, and kinds of covariance."""
    kinds = {name: option.kind for cls in (Outcome, Design) for name, option in options_of(cls).items()}
    meant = {word: " ".join(ours) for word, ours in MEANT.items()}
    covariances = {kind.name: {"title": kind.title, "units": kind.units} for kind in COVARIANCE_KINDS.values()}
    table = {"kinds": kinds, "outcome": list(options_of(Outcome)), "distal": list(options_of(DistalOutcome)),
             "meant": meant, "said": SAID, "covariances": covariances}
    return json.dumps(table, indent=2) + "\n"


if __name__ == "__main__":
    for name, text in (("families.json", families_table()), ("options.json", options_table())):
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"Written: {FOLDER / name}")
