# Constants that Python uses too, from one file that both read when they are loaded. What they mean:
#
# level, p_level: of intervals and bands by default, and the p-value above which a test does not reject
# dependent_share: of a hypothesis, in standard errors, below which it says nothing that those before it did not
# least_eigenvalue: of a correlation matrix, below which rounding is all there is
# derivative_accuracy: of the standard error, what the error of a derivative may change in it
# se_most: standard error on the scale of a linear predictor above which the data do not determine a quantity
# undetermined_share: of a direction without information in a quantity, above which it has no standard error
# no_variance: of the variance by the information, below which a sandwich's is rounding
# loading_most: of the outcome's scale, per unit of a direction that the data do not determine, for a band
# least_avepp, least_occ: Nagin (2005), section 5.6
# clear_entropy, small_share, notable_mismatch: what is said of a classification; a mismatch is also held against twice
#   its standard error
# curve_points: times at which a curve is drawn
# waves_most, bins: more distinct waves than these are gathered into so many bins before means are taken
# least_weight: posterior weight in subjects behind an observed mean that is drawn
# band_room, models_band_room: how far a band is shown beyond curves and means, as a share of their height
# individuals_most, individuals_per_group, individuals_shown: lines of subjects in one picture and in a group's panel,
#   and the share of their values that a panel's axis has to hold
# far_times: of the range of the observed times, beyond which a curve at other times is no more than a formula
# outside_share: of a group's weighted observations, left out at either end of the times at which it was seen
# outside_thin: of all observations, those at either end among which a group counts as seen to the end
# grey_share: how far a curve is drawn towards grey where its group was not seen
# jitter_binary, jitter_count, jitter_step: how far the line of a discrete outcome is moved, and the golden section that
#   spreads the moves evenly, whoever is drawn, and leaves the user's random numbers alone
# posterior_bin: width of the bars of posterior probabilities
# off_line: models further beyond the line of a criterion than so many of its heights are left out, and counted
# off_first: one group further beyond the models of more than so many of their heights does not scale the axis
# label_room, label_gap: for the shares at the ends of curves, of a panel's width and height
# balance_most, balance_shown: standardised mean difference beyond which a covariate is out of balance, and beyond which
#   it stands at the edge of the picture with its value
# palette: Okabe and Ito's colours, told apart by colour-blind readers too; their yellow, too faint on white, gives way
#   to grey
constants <- list()
group_colours <- character()

.onLoad <- function(libname, pkgname) {
  path <- system.file("python", "gbtm", "shared_constants.json", package = pkgname, lib.loc = libname)
  constants <<- jsonlite::fromJSON(path)
  group_colours <<- constants$palette
}

# At most so many of the candidates, evenly spaced; Python draws the same.
evenly <- function(candidates, most) {
  n <- length(candidates)
  if (n <= most) candidates else candidates[1 + ((seq_len(most) - 1) * n) %/% most]
}

# The level of the bands, NULL for none.
check_band_level <- function(level) {
  if (!is.null(level)) check_level(level, way_out = "For example level = 0.95; level = NULL draws no band.")
}
