"""What other programs call things: the argument of ours that is meant, or why there is none.

The words are those of flexmix, lcmm, trajeR, crimCV, gbmt, kml, poLCA, lme4, nlme and mclust in R, of Stata's traj and
SAS's Proc Traj, and of statsmodels, scikit-learn and StepMix in Python. R reads the same table, which ``make tables``
writes. Words are compared without capitals, dots and underscores.
"""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

# our arguments, the first that a function has -> what others call it
_MEANT = {
    "groups": "ng k g ngroups ngroup ngrp nclass nclasses classes nclusters nbclusters ncomponents ncomp nmix ncat "
              "numgroups numclasses numberofgroups numberofclasses latentclasses",
    "order": "degre degree degrees orders ordre dpolyp d deg poly polydegree polyorder polynomial polynomialorder "
             "mixture",
    "iorder": "dpolyl degrenu degreenu nuorder zeroorder ziorder",
    "family": "dist distr distribution model models modeltype link measurement outcometype",
    "min": "ymin lower lowerbound lowerlimit left min1 llim ll",
    "max": "ymax upper upperbound upperlimit right max1 ulim ul",
    "sigma_by_group": "groupsigma sigmabyclass sigmagroup heteroscedastic",
    "id": "subject subjects subjectid subjid ids idvar unit units person personid pid patient patientid individual "
          "entity panelid caseid respondent",
    "time formula": "time indep timevar times t age timevariable vartime a exog x",
    "y formula": "var y dat outcome outcomes response dependent dv depvar endog xnames ynames fixed",
    "data": "df table dataframe dataset datafile",
    "wide": "widedata varlist measures",
    "risk": "classmb covariates covariate concomitant predictors membership structural auxiliary xmembership "
            "riskfactors",
    "tcov": "tvcov timevarying timevaryingcovariates tvcovariates timecov timedependent",
    "common": "commoneffects sharedeffects fixedeffects equaleffects nested",
    "rorder": "random rorders randomeffects ranef exre reformula",
    "trials": "size ntrials ntrial denominator totals",
    "exposure": "offset expos exposures timeatrisk persontime",
    "weights": "weight w wt wts freqweights sampleweight sampleweights samplingweights pweight pweights survweights "
               "probweights varweights",
    "cluster": "clusters clustervar clusterid psu primarysamplingunit",
    "stratum": "strata stratification stratumvar stratvar",
    "out_of_sample": "holdout heldout testset",
    "dropout": "attrition dropoutorder",
    "event": "survival surv",
    "refgroup": "refgr reference refclass ref baseline baselinegroup referencegroup referenceclass",
    "ar1": "cor correlation corstr covstruct autocorrelation autoregressive ar",
    "wave": "waves visit wavevar wavenumber",
    "rng seed": "randomstate rng seed randomseed rngseed",
    "n_starts": "nstart nstarts starts nrep ninit nbredrawing nrandomstarts numstarts randomstarts restarts "
                "nrestarts ntries",
    "max_starts": "maxinit maxstarts",
    "time_budget": "maxtime timelimit timeout maxseconds",
    "progress": "verbose verbosity quiet trace disp printlevel progressbar silent itdetail noprint display",
    "start": "b startparams paraminit inits initial initialvalues initvalues startvalues startingvalues theta0 sv "
             "meansinit weightsinit warmstart",
    "n_jobs": "ncores cores nproc nthreads workers parallel paral ncpu ncpus cl",
    "known": "knownclass classification pprior training trainingdata",
    "constraints": "posfix fixedparameters constrain constraint",
    "cov_type": "vcov se vce vcetype setype stderr robust sandwich covkwds covtype covariance",
}

_ONE_OPTIMUM = "Every climb goes on until it has converged; n_starts, max_starts and time_budget bound the search."
_AFTER = "It is asked of the fit afterwards: of its summary, its intervals and its predictions."

# what has no argument here, and what to do instead -> what others call it
_SAID = {
    _ONE_OPTIMUM: "maxiter itermax maxit niter emiter iter iterations maxiterations nbiter emirlsiter probirls "
                  "nlslmiter itermem itlim iterlim tol epsilon abstol reltol convb convl convg eps gtol ftol xtol "
                  "tolerance convergence convcrit",
    "How many starts there are is n_starts; numbers to start from are start.": "init initparams initialization "
                                                                               "altstart",
    "Estimates are by maximum likelihood from many starts, in one way; leave it out.":
        "method optimizer algorithm solver em optimmethod reml nagq",
    "Standard errors come with every fit; which ones, cov_type says.":
        "hessian computehessian standarderrors calcse partialh",
    "One sigma for all groups is the default; for one per group there is sigma_by_group.": "ssigma sigma commonsigma",
    "Random effects (rorder) have a covariance of each group's own, or with rcommon one for all groups.": "nwg",
    "The random effects of a group (rorder) are independent of each other, or with rcorr correlated.": "idiag",
    "Times are scaled inside, and coefficients are in the units of the data; transform a column before the call if "
    "others are wanted.": "scaling standardize standardise scale scalex centre center normalize normalise",
    "No group is dropped on the way: fit models of fewer groups and compare them.": "minprior minsize dropempty",
    "No term of a curve is dropped on the way: fit models of lower order and compare them.": "pruning",
    "Cross-validation comes after the fit: cross_validate.": "rcv cv crossvalidation crossvalidate kfold",
    "Curves are polynomials of order, or a basis in the formula such as bs(age, df = 4).":
        "fct diffct nbvar ngnl nls knots intnodes spline splines",
    "Select the rows of data before the call.": "subset where filter",
    "An observation with a missing outcome, time or id is dropped and counted; there is nothing to set.":
        "naaction missing nasrm narm dropna",
    "Factors get treatment contrasts; give them another first level for another reference.": "contrasts",
    "Observations are independent given the group; ar1 and rorder correlate them.":
        "covariancetype covariancestructure covstructure vcformula",
    "There are two arguments: min and max.": "range bounds limits censoring censored ylimits",
    "Covariates of membership (risk) are estimated together with the groups, in one step.": "nsteps nstep",
    "One fit needs no further processes: n_jobs is an argument of the search, of the bootstrap and of "
    "cross-validation.": "njobs",
    "A fit keeps what it needs of the data.": "returndata keepdata",
    _AFTER: "out outplot outstat outest detail ci ci95m ci95 novar alpha level conflevel plottcov posterior outprob",
    "Several outcomes at once are asked for in the words of Stata's traj, with traj().":
        "multgroups multigroups" + "".join(f" {w}{j}" for j in range(2, 7) for w in ("var", "model", "indep", "order",
                                                                                     "min", "max", "iorder")),
}

MEANT = {word: tuple(ours.split()) for ours, theirs in _MEANT.items() for word in theirs.split()}
SAID = {word: sentence for sentence, theirs in _SAID.items() for word in theirs.split()}

# what is given elsewhere, where a function does not have it itself
OF_THE_FIT = ("n_starts", "rng", "device", "cov_type", "start", "max_starts", "time_budget", "progress", "executor",
              "checkpoint", "prior")
OF_THE_MODEL = (
    "groups", "order", "family", "iorder", "sigma_by_group", "dispersion_by_group", "min", "max", "censor_beyond",
    "tcov", "common", "exposure", "trials", "ar1", "rho_by_group", "rorder", "rcorr", "rcommon", "phi_order",
    "refgroup", "risk", "refgroup2", "risk2", "link", "weights", "cluster", "stratum", "constraints", "prior", "curve",
    "known", "repeated", "squeeze", "event",
    "out_of_sample", "dropout", "dcov", "obsmar", "wave", "id", "wide",
)


def plain(word: str) -> str:
    """Without capitals, dots and underscores."""
    return word.lower().replace("_", "").replace(".", "")


def way_out(name: str, known: Collection[str]) -> str:
    """What to write in place of an argument that a function does not have.

    Parameters
    ----------
    name : what was written
    known : the function's own arguments

    Examples
    --------
    >>> from gbtm.foreign_words import way_out
    >>> way_out("ng", ["groups", "order"])
    'It is called groups here.'
    >>> way_out("random_state", ["groups", "order"])
    'It goes into the fit: .fit(rng=...).'
    """
    listed = f"There are: {', '.join(known)}." if known else "It has no arguments."
    word = plain(name)
    meant = [*(n for n in known if plain(n) == word), *MEANT.get(word, ())]
    found = next((m for m in meant if m in known), None)
    if found is not None:
        return _called(found)
    models = {"order", "max_starts"} & set(known)  # the words are those of fitting a model
    said = next((SAID[w] for w in (word, *map(plain, meant)) if w in SAID), None)
    if models and said is not None:
        return said
    meant += [n for n in (*OF_THE_FIT, *OF_THE_MODEL) if plain(n) == word]
    if "order" in known and (fit := next((m for m in meant if m in OF_THE_FIT), None)):
        return f"It goes into the fit: .fit({fit}=...)."
    if "max_starts" in known and (model := next((m for m in meant if m in OF_THE_MODEL), None)):
        return f"It goes into the model: GBTM(..., {model}=...)."
    if "refgroup" in meant:
        return "The reference group is chosen with the model: refgroup."
    near = get_close_matches(name.lower(), list(known), 1, 0.7)
    return _called(near[0]) if near else listed


def _called(name: str) -> str:
    if name == "formula":
        return "It stands in the formula, 'outcome ~ time'; arrays go into GBTM(y, time)."
    return f"It is called {name} here."
