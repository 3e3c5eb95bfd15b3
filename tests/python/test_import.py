"""``import gbtm`` is light, and its names are where they should be."""

from __future__ import annotations

import subprocess
import sys

import pytest

import gbtm
from conftest import ROOT


def _run(code: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT / "python", check=False
    )


@pytest.mark.parametrize("module", ["torch", "pandas", "matplotlib", "statsmodels", "formulaic"])
def test_import_does_not_load(module):
    done = _run(f"import sys, gbtm; sys.exit({module!r} in sys.modules)")
    assert done.returncode == 0, done.stderr


def test_describing_data_and_a_model_does_not_load_torch():
    done = _run(
        "import sys, gbtm\n"
        "d = gbtm.datasets.two_groups()\n"
        "gbtm.GBTM.from_formula('y ~ t', d, id='id', groups=2)\n"
        "gbtm.Panel.from_long(d, id='id', time='t', outcome='y')\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", gbtm.__all__)
def test_every_public_name_is_there(name):
    assert getattr(gbtm, name) is not None


def test_unknown_names():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gbtm.nothing
    assert "GBTM" in dir(gbtm)


def test_errors_are_value_errors_with_their_parts():
    error = gbtm.DataError("y: wrong.", code="c", argument="y", way_out="Do this.")
    assert isinstance(error, gbtm.GBTMError)
    assert isinstance(error, ValueError)
    assert str(error) == "y: wrong. Do this."
    assert str(gbtm.GBTMError("plain")) == "plain"
    assert issubclass(gbtm.GBTMWarning, UserWarning)
