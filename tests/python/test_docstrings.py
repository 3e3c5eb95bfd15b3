"""Every example in a docstring of the engine runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import re
from types import ModuleType

import joblib
import pytest

import gbtm
from conftest import ROOT

PROMPT = re.compile(r"^ *>>> (?!.*# doctest: \+SKIP)", re.MULTILINE)
ENGINE = ROOT / "python"
PROMPTS = {  # module -> examples in its text, without those that doctest is told to skip
    ".".join(path.relative_to(ENGINE).with_suffix("").parts).removesuffix(".__init__"):
        len(PROMPT.findall(path.read_text(encoding="utf-8")))
    for path in sorted(ENGINE.glob("gbtm/**/*.py"))
}
SLOW = {"gbtm.resampling.likelihood_ratio"}  # 15 s: nineteen samples, both models fitted to each


@pytest.fixture(scope="module")
def fits_are_shared():
    """Most examples fit one model to the same data: it is fitted once."""
    done, original = {}, gbtm.GBTM.fit

    def fit(model, **options):
        key = joblib.hash((model.panel, model.spec, model.prepared.bases, options))
        if key not in done:
            done[key] = original(model, **options)
        return done[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gbtm.GBTM, "fit", fit)
        yield done


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name, count in PROMPTS.items() if count])
def test_the_examples_of_a_module_run(name, fits_are_shared):
    """All of them: one that doctest does not come by, as under a private name that is no attribute, would not run."""
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
    skipped = getattr(result, "skipped", 0)  # Python 3.13 counts them among the attempted
    assert result.attempted - skipped == PROMPTS[name]


def test_an_example_that_prints_something_else_is_caught(capsys):
    assert doctest.testmod(ModuleType("right", ">>> 1 + 1\n2\n")) == (0, 1)
    assert doctest.testmod(ModuleType("wrong", ">>> 1 + 1\n3\n")) == (1, 1)
    assert "Expected:\n    3\nGot:\n    2" in capsys.readouterr().out
