"""Commands of Stata other than traj that stand in do-files: passed over where they change nothing, else refused."""

from __future__ import annotations

import re

from ..errors import CommandError

# shortest abbreviation, whole name
HARMLESS = (
    ("vers", "version"), ("set", "set"), ("cls", "cls"), ("log", "log"), ("cd", "cd"), ("net", "net"), ("ssc", "ssc"),
    ("adopath", "adopath"), ("di", "display"), ("more", "more"), ("macro", "macro"), ("timer", "timer"),
    ("which", "which"), ("help", "help"), ("exit", "exit"), ("#", "#"), ("clear", "clear"),
)
DATA = "Change the data before they are handed over: rows and columns are those of data=."
READ = "Read the file first (pandas.read_stata, R's haven::read_dta) and hand the table over as data."
PICTURE = "Draw it with plot(), and save that figure."
LOOPS = "Loops and macros are not run: write each command out, with what the macro stands for."
STORED = "What a fit holds is in the result that is returned; keep it under a name of its own."
# shortest abbreviation, whole name, what to use here
REFUSED = (
    ("estat", "estat", "Information criteria are in criteria, AvePP and OCC in adequacy."),
    ("trajtest", "trajtest", "Use trajtest() of the fit, with what stands behind it here."),
    ("te", "test", "Use wald_test() (SAS's names: trajtest())."), ("testparm", "testparm", "Use wald_test()."),
    ("lincom", "lincom", "Use delta(), or wald_test()."), ("nlcom", "nlcom", "Use delta()."),
    ("testnl", "testnl", "Use wald_test_nonlinear() (R: wald_test())."),
    ("lrtest", "lrtest", "Use blrt() or anova() for nested models."),
    ("margins", "margins", "Use predict() for curves, classify() for probabilities of the groups, with intervals."),
    ("marginsplot", "marginsplot", PICTURE), ("predict", "predict", "Use predict(), or traj_data()."),
    ("est", "estimates", STORED), ("eret", "ereturn", STORED), ("ret", "return", STORED), ("mat", "matrix",
     "Hand matrices over by name, matrices={'b0': [..]} (R: matrices = list(b0 = ..)), or write the numbers out."),
    ("sca", "scalar", STORED),
    ("multtrajplot", "multtrajplot", "It draws several outcomes; trajplot and plot() draw one."),
    ("summary_table_procTraj", "summary_table_procTraj", "Use adequacy(): AvePP, OCC and the groups' shares."),
    ("tab", "tabulate", "Groups are in assignment (R: traj_data()); count them there."),
    ("su", "summarize", "Look at the data before they are handed over."), ("l", "list", "Look at traj_data()."),
    ("gr", "graph", PICTURE), ("tw", "twoway", PICTURE), ("sc", "scatter", PICTURE), ("line", "line", PICTURE),
    ("u", "use", READ), ("import", "import", READ), ("insheet", "insheet", READ), ("sysuse", "sysuse", READ),
    ("webuse", "webuse", READ), ("infile", "infile", READ),
    ("sa", "save", STORED), ("export", "export", STORED), ("outsheet", "outsheet", STORED),
    ("g", "generate", DATA), ("egen", "egen", DATA), ("replace", "replace", DATA), ("keep", "keep", DATA),
    ("drop", "drop", DATA), ("ren", "rename", DATA), ("recode", "recode", DATA), ("reshape", "reshape", DATA),
    ("merge", "merge", DATA), ("append", "append", DATA), ("sort", "sort", DATA), ("gsort", "gsort", DATA),
    ("mvdecode", "mvdecode", DATA), ("encode", "encode", DATA), ("destring", "destring", DATA),
    ("collapse", "collapse", DATA), ("preserve", "preserve", DATA), ("restore", "restore", DATA),
    ("order", "order", DATA), ("lab", "label", DATA), ("xtset", "xtset", DATA), ("tsset", "tsset", DATA),
    ("forv", "forvalues", LOOPS), ("foreach", "foreach", LOOPS), ("while", "while", LOOPS), ("if", "if", LOOPS),
    ("else", "else", LOOPS), ("loc", "local", LOOPS), ("gl", "global", LOOPS), ("program", "program", LOOPS),
    ("pr", "program", LOOPS), ("end", "end", LOOPS), ("args", "args", LOOPS), ("do", "do", LOOPS),
    ("run", "run", LOOPS),
    ("mlogit", "mlogit", "Put the covariates into risk(), or use the classification with its error in mind."),
    ("mata", "mata", LOOPS),
)
PREFIXES = {"qui": "quietly", "cap": "capture", "n": "noisily"}
REFUSED_PREFIXES = {
    "by": "Fit each part with an if of its own: traj if group == 1, ..", "xi": "Make 0/1 columns first and name them.",
    "bysort": "Fit each part with an if of its own: traj if group == 1, ..",
    "bootstrap": "Use bootstrap() of the fit.", "jackknife": "Use bootstrap() of the fit.",
    "svy": "Give weight(), and clusters and strata to gbtm(): it has standard errors for them.",
    "mi": "Fit each completed data set, then pool().", "statsby": "Fit each part with an if of its own.",
    "simulate": "Use simulate() of the fit.", "permute": "Use wald_test().", "stepwise": "Use gbtm_search().",
    "rolling": "Fit each part with an if of its own.", "bs": "Use bootstrap() of the fit.",
}


def without_prefixes(text: str) -> tuple[str, int]:
    """The command after ``quietly``, ``capture``, ``noisily`` and ``version 14:``, and where it begins.

    Raises
    ------
    CommandError
        For a prefix that asks for something else: by, bootstrap, svy, ..
    """
    at = 0
    while match := re.compile(r"([a-z]+)\b([^:,(]*)(:?)\s*").match(text, at):
        word = match[1]
        full = next((f for short, f in PREFIXES.items() if len(word) >= len(short) and f.startswith(word)), None)
        if full is not None and not (match[2].strip() and match[3]):
            at = re.compile(r"[a-z]+\s*:?\s*").match(text, at).end()  # type: ignore[union-attr]
            continue
        prefix = re.compile(r"([a-z]+)\b([^:]*):\s*").match(text, at)
        if prefix is None or "traj" in prefix[2].split():
            return text[at:], at
        if "version".startswith(word) and len(word) >= 4:
            at = prefix.end()
            continue
        word = "bysort" if len(word) > 2 and "bysort".startswith(word) else word
        if word in REFUSED_PREFIXES:
            raise CommandError(
                f"{prefix[0].strip()} not read before traj.", code="unsupported_command", argument=word,
                way_out=REFUSED_PREFIXES[word],
            )
        return text[at:], at
    return text[at:], at


def passed_over(text: str) -> str | None:
    """The name of a command that changes nothing here; None, or an error, for any other.

    Raises
    ------
    CommandError
        Naming the command and what to use in its place.
    """
    if re.fullmatch(r"\S+\.(do|ado|txt|sas)", text):
        raise CommandError(
            f"{text}: this is the name of a file, not its text.", code="not_traj", argument="command",
            way_out="Read the file first, and give its text.",
        )
    match = re.match(r"#|[A-Za-z_]\w*|[{}]", text)
    word = match[0] if match else ""
    for short, full in HARMLESS:
        if len(word) >= len(short) and full.startswith(word):
            return full
    if word in "{}" and word:
        raise _refused(word, LOOPS)
    for short, full, instead in REFUSED:
        if word and len(word) >= len(short) and full.startswith(word):
            raise _refused(full, instead)
    raise CommandError(
        f"not a traj command: '{text[:60]}'.", code="not_traj", argument="command",
        way_out="It reads 'traj, var(..) indep(..) model(..) order(..)'.",
    )


def _refused(name: str, instead: str) -> CommandError:
    return CommandError(
        f"{name}: not a command that is run here.", code="unsupported_command", argument=name, way_out=instead,
    )
