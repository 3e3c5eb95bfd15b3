"""Text that was pasted from a log or a document is read as it was typed."""

from __future__ import annotations

import pytest

import gbtm
from gbtm import CommandError
from gbtm.traj_commands.pasted_text import as_typed
from gbtm.traj_commands.sas_text import statements
from gbtm.traj_commands.stata_text import commands

LOG = """. * boys
. traj if sex == "m", var(y*) indep(t1-t4) ///
>      model(zip) order(1 1) // two

==== traj stata plugin ====
  -2 log likelihood = 3

. trajplot
"""


def test_a_log_is_its_commands_in_their_places():
    typed = as_typed(LOG)
    assert len(typed) == len(LOG)
    found = commands(LOG)
    assert [" ".join(line.text.split()) for line in found] == [
        'traj if sex == "m", var(y*) indep(t1-t4) model(zip) order(1 1)', "trajplot"]
    assert all(LOG[line.start : line.start + 4] == "traj" for line in found)


def test_a_do_file_is_left_as_it_is():
    text = "* a\ntraj, var(y*) ///\n   order(2)\n> 3\n"
    assert as_typed(text) == text


@pytest.mark.parametrize(("pasted", "typed"), [
    ("traj, var(y1\u2013y4)", "traj, var(y1-y4)"), ("traj, min(\u22121)", "traj, min(-1)"),
    ("traj if a == \u201cm\u201d,\u00a0var(y*)", 'traj if a == "m", var(y*)'),
])
def test_signs_of_a_word_processor_are_those_of_stata(pasted, typed):
    assert as_typed(pasted) == typed


def test_sas_reads_them_too():
    assert statements("proc traj data=a; var y1\u2013y3; %f(\u201ca\u201d); run;") == statements(
        'proc traj data=a; var y1-y3; %f("a"); run;')


def test_a_line_that_the_log_broke_is_refused():
    with pytest.raises(CommandError, match="line 2: the log broke") as caught:
        commands(". traj, var(y*) indep(t*) mod\n> el(zip) order(1)")
    assert caught.value.code == "wrapped_log"
    assert commands(". #delimit ;\n. traj, var(y*)\n> order(1);")[-1].text.split() == ["traj,", "var(y*)", "order(1)"]


def test_weights_in_brackets_name_the_option():
    table = gbtm.datasets.offending()
    with pytest.raises(CommandError, match=r"\[pw=w\].*weight\(") as caught:
        gbtm.traj("traj [pw=w], var(y*) indep(t*) model(zip) order(1)", table)
    assert caught.value.code in ("bad_syntax", "several_faults")
