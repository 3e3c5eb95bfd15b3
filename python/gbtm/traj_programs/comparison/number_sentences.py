"""Sentences on what was found: optimum, change of scale, BIC, standard errors, last digits. Each gives its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...families import family_named
from ...findings.near_ties import NEAR_TIE
from ...specification.covariance_kinds import COVARIANCE_KINDS
from .differences import ERROR, Differences, Held
from .matching import means
from .model_sentences import Sentence
from .rescale import Scale
from .words import PROGRAMS, listed, number, plural, short, some

if TYPE_CHECKING:
    from ...fit.fit import Fit

STOPPED_SHORT = 0.1  # log-likelihood, with estimates within half a standard error: the same summit, not quite climbed
NEAR = 0.5
COLLAPSED = 0.02  # a printed sigma this much below the next one, or below the fit's smallest
SAME_SUMMIT = 0.0075  # a printed log-likelihood and one of the start report
PRECISE = 200  # last printed digits in a standard error whose ratio is worth reading
ABSURD = 100.0
FAR = 1.0  # standard deviations of the outcome between the mean curves of the two tables


def number_sentences(d: Differences, res: Fit) -> list[Sentence]:
    """What explains the numbers, most important first."""
    sentences = _optimum(d, res) + _scale(d) + _far_off(d, res)
    if d.same_optimum:
        sentences += _digits(d) + _errors(d, res) + _unidentified(d)
    return sentences + _bic(d)


def _optimum(d: Differences, res: Fit) -> list[Sentence]:
    """Higher, lower or the same, where the models and the data are the same."""
    gain = d.gain
    if not d.same_model or not d.same_data or d.rescaled is not None:
        return []
    if gain is None:
        return [Sentence(
            "no_loglik", "No log-likelihood is printed and none can be worked out: the text has no line with BIC or "
            "AIC and n. Estimates and standard errors alone are compared.",
        )]
    worked = f", worked out from the printed {d.theirs.worked_out}" if d.theirs.worked_out else ""
    numbers = f"{number(float(d.ours.loglik or 0), 3)} here, {number(float(d.theirs.loglik or 0))} there{worked}"
    if d.same_loglik and d.same_estimates:
        return [Sentence("same_optimum", f"Same optimum: the log-likelihoods agree ({numbers}).")]
    if d.same_loglik:
        return [Sentence(
            "same_loglik", f"The log-likelihoods agree ({numbers}), but {_worst(d)}. Either the likelihood is flat "
            "there, or the printout is on another scale that was not recognised.",
        )]
    largest = max((abs(h.gap) for h in d.held if np.isfinite(h.gap)), default=np.inf)
    if abs(gain) < STOPPED_SHORT and largest < NEAR:
        return [Sentence(
            "stopped_short", f"{'The printout' if gain > 0 else 'This fit'} stopped {number(abs(gain), 3)} below the "
            f"summit of the same optimum ({numbers}); the estimates are within {number(largest)} standard errors.",
        )]
    return [_higher(d, res, numbers) if gain > 0 else _lower(d, res, numbers)]


def _higher(d: Differences, res: Fit, numbers: str) -> Sentence:
    program, search = PROGRAMS[d.printed.source], res.search
    gain, theirs = float(d.gain or 0), float(d.theirs.loglik or 0)
    optima = sorted(
        (o for o in search.optima[1:] if abs(o.loglik - theirs) < SAME_SUMMIT), key=lambda o: abs(o.loglik - theirs))
    decimals = 3 if optima else 2  # two are printed; the start report knows the rest
    gain = -optima[0].difference if optima else gain
    text = f"Another optimum: this fit's log-likelihood is {number(gain, decimals)} higher ({numbers})."
    starts = plural(search.n_starts, "start")
    if optima:
        text += (f" The printout's is optimum {optima[0].rank} in this fit's start report, where "
                 f"{optima[0].hits} of {starts} ended; against the best, {optima[0].how}.")
    else:
        text += f" The printout is at a local optimum, or {program} stopped before one."
        text += f" None of this fit's {starts} ended there." if search.n_starts > 1 else ""
    text += "" if search.user_start else f" {search.sentence}"
    if gain < NEAR_TIE:
        return Sentence("near_tie", f"{text} So close together, they are two readings of the data: report both.")
    # this package's own copy of the layout makes many starts, unless it was given one
    if d.printed.source != "gbtm":
        text += f" {program} climbs from one start; its start() option can lead it here."
    return Sentence("better_here", text)


def _lower(d: Differences, res: Fit, numbers: str) -> Sentence:
    gain, search = number(-float(d.gain or 0)), res.search
    their_sigmas = sorted(r.estimate for r in d.theirs.of_kind("sigma"))
    our_sigmas = [r.estimate for r in d.ours.of_kind("sigma")]
    if their_sigmas and our_sigmas and their_sigmas[0] < COLLAPSED * min([*our_sigmas, *their_sigmas[1:]]):
        return Sentence(
            "collapsed_there", f"The printout's log-likelihood is {gain} higher ({numbers}), but by a collapsed group: "
            f"its smallest sigma is {short(their_sigmas[0], 3)}. That is no better answer.",
        )
    tried = ("It climbed from the start values given and tried no others." if search.user_start
             else f"{plural(search.n_starts, 'start')} were not enough.")
    return Sentence(
        "better_there", f"Another optimum: the printout's log-likelihood is {gain} higher ({numbers}). This fit missed "
        f"it. {tried} Fit again from the printed estimates, which are this comparison's `start`, with time and outcome "
        "in the printout's units.",
    )


def _worst(d: Differences) -> str:
    rows = [h for h in d.held if np.isfinite(h.gap)]
    if not rows:
        return "the estimates differ"
    worst = max(rows, key=lambda h: abs(h.gap))
    return f"{parameter(worst)} differs by {number(abs(worst.gap))} standard errors"


def parameter(h: Held) -> str:
    """A parameter in words, by our group: ``Linear of group 2``."""
    name = "share" if h.line.kind == "share" else h.line.parameter
    return f"{name} of group {h.line.own_group}" if h.line.own_group else name


def _scale(d: Differences) -> list[Sentence]:
    if d.rescaled is None:
        return []
    scale, sentences = d.rescaled.scale, []
    then = "With that, all coefficients agree."
    if scale.of_time:
        sentences.append(Sentence(
            "time_scale", f"{_time(scale)}. {then} The scale of time changes the coefficients and their standard "
            "errors, not the curves and not the log-likelihood.",
        ))
    if scale.of_outcome:
        sentences.append(Sentence("outcome_scale", f"{_outcome(scale, d)}. {then}{_loglik_moves(d)}"))
    return sentences


def _time(s: Scale) -> str:
    shifted = "ours" if s.shift == 0 else f"ours {'-' if s.shift > 0 else '+'} {short(abs(s.shift))}"
    if s.unit == 1:
        return f"Time is shifted: theirs = {shifted} (centred at {short(s.shift)})"
    by = f"/ {short(s.unit)}" if s.unit > 1 else f"x {short(1 / s.unit)}"
    if s.shift == 0:
        return f"Time is in other units: theirs = ours {by}"
    return f"Time is shifted and in other units: theirs = ({shifted}) {by}"


def _outcome(s: Scale, d: Differences) -> str:
    family = family_named(d.ours.family)
    if family.link == "logit":
        return "The outcome is reversed: theirs = 1 - ours"
    if not family.has_scale:
        return (f"All intercepts differ by {short(s.offset)}: exposure is in other units, theirs = "
                f"{short(np.exp(-s.offset))} x ours")
    words = "ours" if s.factor == 1 else f"{short(s.factor)} x ours"
    if s.offset:
        words += f" {'+' if s.offset > 0 else '-'} {short(abs(s.offset))}"
    return f"The outcome is on another scale: theirs = {words}"


def _loglik_moves(d: Differences) -> str:
    moves = d.rescaled.loglik_moves if d.rescaled else 0.0
    if not moves or d.theirs.loglik is None:
        return ""
    return (f" Densities change with the unit, so that the log-likelihood moves by {number(moves)}: from "
            f"{number(float(d.ours.loglik or 0))} to {number(d.theirs.loglik)}.")


def _far_off(d: Differences, res: Fit) -> list[Sentence]:
    """The printed curves, at this fit's times, are nowhere near the outcome: then their time is another."""
    usable = d.ours.polynomial and d.theirs.polynomial and d.ours.family == d.theirs.family
    if not usable or d.rescaled is not None or d.same_optimum or d.theirs.shares is None or d.ours.shares is None:
        return []
    times, y = res.outcome.data.time, res.outcome.data.y
    our_mean, their_mean = (s.shares @ means(s, times) for s in (d.ours, d.theirs) if s.shares is not None)
    scale = float(np.std(np.sqrt(y) if family_named(d.ours.family).link == "log" else y)) or 1.0
    if float(np.sqrt(np.mean((our_mean - their_mean) ** 2))) < FAR * scale:
        return []
    return [Sentence(
        "far_off", f"At this fit's times ({short(times.min(), 4)} to {short(times.max(), 4)}) the printed curves are "
        "nowhere near the outcome: their time, or their outcome, is on another scale. Fit with theirs to compare.",
    )]


def _digits(d: Differences) -> list[Sentence]:
    """Last digits that differ although all agrees."""
    rows = [h for h in d.held if h.same and not h.rounded and h.line.kind != "share"]
    if not rows or d.rescaled is not None:
        return []
    worst = max(rows, key=lambda h: abs(h.gap))
    return [Sentence(
        "last_digits", f"Last digits differ in {plural(len(rows), 'estimate')}, by {short(abs(worst.gap), 2)} standard "
        f"errors at most ({parameter(worst)}): {PROGRAMS[d.printed.source]} stops climbing a little below the summit, "
        "this package at rounding level.",
    )]


def _errors(d: Differences, res: Fit) -> list[Sentence]:
    """Which convention makes the standard errors differ."""
    rows = [h for h in d.held if h.printed is not None and h.printed.se > PRECISE * h.printed.se_unit
            and np.isfinite(h.se_ratio)]
    if d.same_errors or not rows:
        return []
    ratios = np.array([h.se_ratio for h in rows])
    k, n, cov_type = d.ours.n_parameters, d.ours.nobs or 1, res.cov_type
    factor = float(np.sqrt(n / (n - k + 1)))
    if np.abs(ratios / factor - 1).max() < 2 * ERROR and cov_type != "traj":
        return [Sentence(
            "se_traj", f"Standard errors: theirs are {number(factor, 4)} times ours, all of them. traj multiplies the "
            f"covariance by N/(N - k + 1), here {n}/({n} - {k} + 1). cov_type 'traj' does the same.",
        )]
    if np.abs(ratios * factor - 1).max() < 2 * ERROR and cov_type == "traj":
        return [Sentence(
            "se_hessian", f"Standard errors: ours are {number(factor, 4)} times theirs, all of them: this fit has "
            f"traj's factor N/(N - k + 1) = {n}/({n} - {k} + 1), the printout has not. cov_type 'hessian' leaves it "
            "out.",
        )]
    low, high = rows[int(ratios.argmin())], rows[int(ratios.argmax())]
    return [Sentence(
        "se_other", f"Standard errors: theirs are {number(low.se_ratio, 3)} ({parameter(low)}) to "
        f"{number(high.se_ratio, 3)} ({parameter(high)}) times ours. {_why_errors(d, cov_type)}",
    )]


def _why_errors(d: Differences, cov_type: str) -> str:
    if any(o.startswith("weight") for o in d.printed.options) and not COVARIANCE_KINDS[cov_type].units:
        return "With weights traj prints robust (sandwich) standard errors: cov_type 'robust' gives them here."
    if any(np.isnan(r.se) for r in d.theirs.of_kind("rho")):
        return "traj's leave out that rho is estimated too, as said below."
    if COVARIANCE_KINDS[cov_type].units:
        return f"Ours are {cov_type}, theirs come from the Hessian: cov_type 'traj' gives theirs."
    if d.printed.warnings:
        return f"The printout warns '{d.printed.warnings[-1]}': its Hessian, and so its errors, are not reliable."
    return f"No convention explains that (ours: cov_type '{cov_type}'); theirs may be robust, or from a rough Hessian."


def _unidentified(d: Differences) -> list[Sentence]:
    rows = [h for h in d.held if h.unidentified]
    if not rows:
        return []
    printed = [h.printed.se for h in rows if h.printed is not None and np.isfinite(h.printed.se)]
    theirs = ""
    if printed and max(printed) > ABSURD:
        theirs = f" The printed ones, up to {short(max(printed), 4)}, say the same in their way."
    return [Sentence(
        "not_determined", f"The data do not determine {some([parameter(h) for h in rows])}: other numbers fit as well, "
        f"and differences there mean nothing. No standard error is given here; this fit's warnings say why.{theirs}",
    )]


def _bic(d: Differences) -> list[Sentence]:
    """n and the scale of BIC: the commonest question about two printouts."""
    if not d.theirs.bic or d.printed.kind != "single":
        return []
    sentences, told = [], []
    nouns = {d.ours.nobs: "observations", d.ours.n_subjects: "subjects", d.theirs.nobs: "observations",
             d.theirs.n_subjects: "subjects"}
    for n, value in d.theirs.bic:
        used = n if n is not None else _n_behind(d, value)
        told.append(f"{number(value)} with n = {used or '?'}" + (f" ({nouns[used]})" if used and used in nouns else ""))
        if used is not None and used not in (d.ours.nobs, d.ours.n_subjects) and d.same_data:
            sentences.append(Sentence(
                "bic_n", f"The n in the printed BIC, {used}, is neither this fit's number of subjects "
                f"({d.ours.n_subjects}) nor of observations ({d.ours.nobs}).",
            ))
    text = f"The printed BIC is log-likelihood - (k/2) log n, larger is better: {listed(told)}."
    our_bic = dict(d.ours.bic)
    if d.same_optimum and not (d.rescaled and d.rescaled.scale.factor != 1):
        subjects = our_bic[d.ours.n_subjects]
        text += (f" This fit's `bic` is -2 times that with n = subjects: -2 x {number(subjects)} = "
                 f"{number(-2 * subjects)}, smaller is better.")
    return [*sentences, Sentence("bic", text)]


def _n_behind(d: Differences, value: float) -> int | None:
    """The n that turns the printed log-likelihood into the printed BIC; one of the fit's own where it fits."""
    k, loglik = d.theirs.n_parameters, d.theirs.loglik
    if loglik is None or not k:
        return None
    for n in (d.ours.nobs, d.ours.n_subjects):
        if n and abs(loglik - 0.5 * k * float(np.log(n)) - value) < 0.011:
            return n
    return round(float(np.exp(min(2 * (loglik - value) / k, 40.0))))
