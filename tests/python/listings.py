"""Our fits, printed as other programs and other years did, and as logs and mails mangle them.

Layouts after public printouts of SAS Proc Traj and of older builds of Stata's traj; the numbers are from our own fits.
"""

from __future__ import annotations

import re
import textwrap

import numpy as np

BUILD_2024 = "==== traj stata plugin ====  Jones BL  Nagin DS,  build: Jan  6 2024"


def stata(res, **options) -> str:
    """As the build of 2024 prints it."""
    return re.sub(r"==== gbtm ====.*", BUILD_2024, res.to_traj(**options).text)


def _footer(res, end: str) -> str:
    bic = {n: res.criteria.loc["traj_bic", n] for n in ("observations", "subjects")}
    return (f"BIC= {bic['observations']:.2f} (N={res.nobs})  BIC= {bic['subjects']:.2f} (N={res.n_subjects})  "
            f"AIC= {res.llf - res.df_model:.2f}  {end}= {res.llf:.2f}")


def stata_2019(res) -> str:
    """The build of 2019: another footer, no entropy."""
    body, _, _ = stata(res).partition(" BIC(N=")
    return body.replace("Jan  6 2024", "Apr  8 2019") + " " + _footer(res, "ll") + "\n"


def sas(res, footer: str | None = None) -> str:
    """A listing of Proc Traj."""
    name, short = re.search(r"Model: (.*) \((\w+)\)", res.to_traj().text).groups()
    lines = [
        " " * 30 + "The SAS System        10:30 Monday, January 6, 2014   1", "", " " * 32 + "The TRAJ Procedure", "",
        " " * 23 + "Maximum Likelihood Estimates",
        " " * 23 + f"Model: {name} ({short.upper()})", "",
        " " * 34 + "Standard       T for H0:",
        "Group   Parameter    Estimate        Error     Parameter=0   Prob > |T|", "",
    ]
    before = ("", "")
    for row in res.to_traj().table.to_dict("records"):
        share = row["parameter"] == "(%)"
        section = (row["parameter"].rstrip("0123456789") if row["parameter"][:5] in ("(%)", "Alpha", "Sigma") else "")
        if share and before[1] != "(%)":
            lines += ["", "        Group membership"]
        elif (row["group"], section) != before and before[0] and not share:
            lines.append("")
        label = row["group"] if share or (row["group"], section) != before else ""
        before = (row["group"], section)
        name = f"{'(%)':>9}" if share else f"{row['parameter']:<10}"
        cells = [f"{row['estimate']:10.5f}", f"{row['se']:10.5f}", f"{row['t']:13.3f}", f"{row['p']:10.4f}"]
        cells = [" " * (len(c) - 1) + "." if "nan" in c else c for c in cells]
        lines.append(f"{label:<8}{name}  {cells[0]}   {cells[1]}   {cells[2]}   {cells[3]}")
    return "\n".join([*lines, "", _footer(res, "L").replace("= ", "=") if footer is None else footer, ""])


def smcl(text: str) -> str:
    """As a log in Stata's own markup."""
    return "{smcl}\n{com}{sf}{ul off}{txt}\n" + "\n".join("{res}" + x + "{txt}" for x in text.split("\n"))


def wrapped(text: str, width: int) -> str:
    """As Stata wraps what is wider than ``linesize``."""
    out = []
    for line in text.expandtabs(8).split("\n"):
        out.append(line[:width])
        rest = line[width:]
        while rest:
            out.append("> " + rest[: width - 2])
            rest = rest[width - 2 :]
    return "\n".join(out)


def mailed(text: str, width: int) -> str:
    """As a mail program breaks long lines, at a blank and with no mark."""
    return "\n".join(
        "\n".join(textwrap.wrap(x, width, drop_whitespace=False, break_long_words=False)) if len(x) > width else x
        for x in text.expandtabs(8).split("\n")
    )


def stamped(text: str) -> str:
    """As a batch system logs it, with the time before every line."""
    return "\n".join(f"[2024-01-06 12:00:{i % 60:02d}] {x}" for i, x in enumerate(text.split("\n")))


def log(*tables: str, command: str = "traj, var(y1-y5) indep(t1-t5) model(cnorm) order(1 2) min(-99) max(99)") -> str:
    """A Stata session around tables."""
    cut = np.array_split(np.array(command.split(" ")), 3)
    echoed = ". " + " ///\n> ".join(" ".join(part) for part in cut)
    parts = [
        "-" * 60, "      name:  <unnamed>", "       log:  /home/me/a.log", "  log type:  text",
        " opened on:   6 Jan 2024, 12:00:00", "", ". summarize y1", "",
        "    Variable |        Obs        Mean    Std. dev.       Min        Max",
        "-------------+---------------------------------------------------------",
        "          y1 |        200    .0123456    1.234567  -3.456789   3.456789", "",
    ]
    for table in tables:
        parts += [echoed, table, "", ". list in 1/2", "  1. | 12  3.4 |", ""]
    return "\n".join([*parts, ". log close", " closed on:   6 Jan 2024, 12:00:05", "-" * 60, ""])
