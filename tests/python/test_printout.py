"""Printed tables are read whatever is around them; what is read is what was printed."""

from __future__ import annotations

import json

import numpy as np
import pytest

import listings
from conftest import NO_REFERENCE, OWN, TRUTH, reference_root
from gbtm import DataError
from gbtm.traj_programs.comparison.log_text import last_command, options_of, plain_lines
from gbtm.traj_programs.comparison.printout import read_printout

STATA_LAYOUTS = {
    "2024": listings.stata, "2019": listings.stata_2019, "sas": listings.sas,
    "smcl": lambda res: listings.smcl(listings.stata(res)),
    "crlf": lambda res: listings.stata(res).replace("\n", "\r\n"),
    "no_tabs": lambda res: listings.stata(res).expandtabs(8),
    "stamped": lambda res: listings.stamped(listings.stata(res)),
    "linesize_60": lambda res: listings.wrapped(listings.stata(res), 60),
    "linesize_40": lambda res: listings.wrapped(listings.log(listings.stata(res)), 40),
    "mailed": lambda res: listings.mailed(listings.stata(res), 60),
    "log": lambda res: listings.log(listings.stata(res)),
    "no_blank_lines": lambda res: "\n".join(x for x in listings.stata(res).split("\n") if x.strip()),
    "from_the_heading": lambda res: "\n".join(listings.stata(res).split("\n")[8:]),
}


def _same(read, res):
    """All that a layout can hold of a fit was read."""
    table = res.to_traj().table
    rows = [*read.rows, *read.membership]
    assert [r.parameter for r in rows] == table["parameter"].tolist()
    assert [str(r.group or "") for r in rows] == table["group"].tolist()
    for row, want in zip(rows, table.to_dict("records"), strict=True):
        assert abs(row.estimate - want["estimate"]) <= 0.51 * row.unit
        assert (np.isnan(row.se) and np.isnan(want["se"])) or abs(row.se - want["se"]) <= 0.51 * row.se_unit
    assert read.loglik == pytest.approx(res.llf, abs=0.00501)
    assert read.aic == pytest.approx(res.llf - res.df_model, abs=0.00501)
    bic = [(res.nobs, "observations"), (res.n_subjects, "subjects")]
    assert read.bic == tuple((n, round(float(res.criteria.loc["traj_bic", w]), 2)) for n, w in bic)
    assert read.n_groups == res.n_groups
    orders = res.outcomes[0].spec.orders
    assert read.orders == tuple(orders)
    if read.models or res.family not in ("logit", "poisson"):  # without its name a table of these does not tell which
        assert read.family == {"normal": "cnorm"}.get(res.family, res.family)


@pytest.mark.parametrize("layout", STATA_LAYOUTS)
@pytest.mark.parametrize("name", ["normal", "cnorm_sbg", "zip_own", "zip_common", "logit", "poisson"])
def test_every_layout_of_every_family(name, layout, fitted):
    _same(read_printout(STATA_LAYOUTS[layout](fitted(name))), fitted(name))


@pytest.mark.parametrize("name", TRUTH)
def test_every_model_reads_back(name, fitted):
    read = read_printout(fitted(name).to_traj().text)
    _same(read, fitted(name))
    assert read.source == "gbtm"
    assert read.entropy == pytest.approx(fitted(name).to_traj().entropy, abs=0.00051)


@pytest.mark.parametrize(("layout", "source"), [("2024", "stata"), ("2019", "stata"), ("sas", "sas"), ("log", "stata")])
def test_source_and_sizes(layout, source, fitted):
    res = fitted("normal")
    read = read_printout(STATA_LAYOUTS[layout](res))
    assert read.source == source
    if source == "stata":
        assert read.subjects_read == read.subjects_used == res.n_subjects
        assert read.build == {"2019": "Apr  8 2019"}.get(layout, "Jan  6 2024")


def test_which_of_several_tables(fitted):
    one, two = fitted("normal"), fitted("logit")
    text = listings.log(listings.stata(one), listings.stata(two))
    assert read_printout(text).family == "logit"
    assert read_printout(text, 0).family == read_printout(text, -2).family == "cnorm"
    for which in (2, -3):
        with pytest.raises(DataError, match="has 2 traj tables") as caught:
            read_printout(text, which)
        assert (caught.value.code, caught.value.argument) == ("no_table", "which")


def test_an_unfinished_table_before_a_whole_one(fitted):
    """A run that was broken off after its heading is no table."""
    text = listings.stata(fitted("normal"))
    broken = text.partition(" Group   Parameter")[0]
    assert read_printout(broken + text, 0).loglik == read_printout(text).loglik


def test_what_lies_around_is_told(fitted):
    command = "traj, var(y1-y5) indep(t1-t5) model(cnorm) min(0) max(9) order(1 2) sigmabygroup risk(x)"
    read = read_printout(listings.log(listings.stata(fitted("normal")), command=command))
    assert read.command == command
    assert read.options["min"] == "0"
    assert read.options["sigmabygroup"] == ""
    assert read.options["var"] == "y1-y5"


def test_proc_step_before_a_listing_is_its_command(fitted):
    step = "PROC TRAJ DATA=d OUT=of; VAR y1-y5; INDEP t1-t5;\n MODEL CNORM; MIN 0; MAX 9; NGROUPS 2; ORDER 1 2; RUN;\n"
    read = read_printout(step + listings.sas(fitted("normal")))
    assert read.options == {
        "var": "y1-y5", "indep": "t1-t5", "model": "CNORM", "min": "0", "max": "9", "ngroups": "2", "order": "1 2",
    }


def test_a_page_break_inside_a_group(fitted):
    lines = listings.sas(fitted("normal")).split("\n")
    at = next(i for i, x in enumerate(lines) if "Linear" in x)
    page = ["", "\f" + " " * 30 + "The SAS System        10:30 Monday, January 6, 2014   2", ""]
    _same(read_printout("\n".join(lines[:at] + page + lines[at:])), fitted("normal"))


def test_old_listing_with_one_bic_only(fitted):
    res = fitted("normal")
    bic = res.criteria.loc["traj_bic", "observations"]
    read = read_printout(listings.sas(res, footer=f"BIC= {bic:.2f} (N={res.nobs})"))
    assert read.bic == ((res.nobs, round(float(bic), 2)),)
    assert read.loglik is read.aic is read.entropy is None
    assert read_printout(listings.sas(res, footer=f"BIC= {bic:.2f}")).bic == ((None, round(float(bic), 2)),)
    assert read_printout(listings.sas(res, footer="")).bic == ()


def test_missing_values_and_warnings(fitted):
    warning = "***** WARNING: Singular convergence *****\n"
    lines = listings.stata(fitted("logit")).replace("\t\t\tMaximum", f"{warning}\t\t\tMaximum").split("\n")
    at = next(i for i, x in enumerate(lines) if "Intercept" in x)
    lines[at] = " 1       Intercept        -2.00000            .               .            ."
    read = read_printout("\n".join(lines))
    assert read.warnings == ("Singular convergence",)
    assert np.isnan([read.rows[0].se, read.rows[0].t, read.rows[0].p]).all()
    assert (read.rows[0].estimate, read.rows[0].unit) == (-2.0, 1e-5)


@pytest.mark.parametrize("text", ["", "nothing here", "BIC= -12.3 (N=4)", "Maximum Likelihood Estimates\n"])
def test_no_table_is_an_error(text):
    with pytest.raises(DataError, match="no traj table") as caught:
        read_printout(text)
    assert (caught.value.code, caught.value.argument) == ("no_table", "text")


def test_a_path_is_read(tmp_path, fitted):
    path = tmp_path / "a.log"
    path.write_bytes(listings.stata(fitted("normal")).encode() + b"\xe9\xff")
    assert read_printout(path).n_groups == 2


@pytest.mark.parametrize(
    ("lines", "command"),
    [
        ([". traj, var(a)  model(zip)"], "traj, var(a)  model(zip)"), ([". quietly traj , var(a)"], "traj , var(a)"),
        ([". traj if x==1, var(a)"], "traj if x==1, var(a)"), ([". trajplot, ci"], None), (["traj is a plugin"], None),
        ([". traj, var(a)", ". traj, var(b)", "output"], "traj, var(b)"), ([], None),
    ],
)
def test_last_command(lines, command):
    assert last_command(lines) == command
    assert options_of(None) == {}


def test_plain_lines_keep_what_is_no_mark():
    assert plain_lines("a\n  > b\nx > y\n12:30 lunch") == ["a", "  > b", "x > y", "12:30 lunch"]
    assert plain_lines("{smcl}\n{txt}Group{space 3}1{hline 5}") == ["", "Group   1"]


# -- every table of the reference results ------------------------------------------------------------------------------


def _cases() -> list[str]:
    root = reference_root()
    here = sorted(p.name for p in OWN.iterdir() if p.is_dir())
    return here if root is None else sorted(json.loads((root / "traj" / "index.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", _cases())
def test_reference_tables(name):
    root = reference_root()
    folder = OWN / name if (OWN / name).is_dir() else root / "traj" / name
    traj = json.loads((folder / "estimates.json").read_text(encoding="utf-8"))
    read = read_printout((folder / "traj_output.txt").read_text(encoding="utf-8"))
    assert read.source == "stata"
    assert read.loglik == pytest.approx(traj["ll"], abs=0.00501)
    assert read.aic == pytest.approx(traj["aic"], abs=0.00501)
    assert [v for _, v in read.bic] == pytest.approx([traj["BIC_N"], traj["BIC_n"]], abs=0.00501)
    if "n_obs" in traj:
        assert [n for n, _ in read.bic] == [traj["n_obs"], traj["n_subjects"]]
    kind = read.kind
    wanted = {"multgroups": "multi", "outcome(": "outcome", "var2": "joint"}
    assert kind == next((k for word, k in wanted.items() if word in traj["stata_command"]), "single")
    if kind != "single":
        return
    thetas = [r for r in read.membership if r.kind == "theta" and r.parameter != "Baseline"]
    printed = [r.estimate for r in (*read.rows, *thetas)]
    stored = [b for n, b in zip(traj["names"], traj["b"], strict=True) if not n.startswith("theta")]
    assert printed == pytest.approx(stored, abs=0.51e-3)
    assert len(read.membership) == (len(thetas) + 1 if thetas else read.n_groups)
    order = next(o for o in traj["stata_command"].split(" order(")[1:])
    assert list(read.orders) == [int(w) for w in order.partition(")")[0].split()]


def test_all_reference_tables_are_there():
    if reference_root() is None:
        pytest.skip(NO_REFERENCE)
    assert len(_cases()) == 70
