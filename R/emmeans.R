# Marginal means of the package emmeans average a linear predictor over a grid of the model's factors. Here the groups
# are latent and no factor of the data, and the mean of a group at a time is what predict() gives. emmeans tells the
# text that recover_data() returns as its error.

#' @exportS3Method emmeans::recover_data
recover_data.gbtm <- function(object, data = NULL, ...) { # nolint: object_name_linter.
  check_dots(..., known = from_emmeans)
  no_marginal_means
}

#' @exportS3Method emmeans::emm_basis
emm_basis.gbtm <- function(object, trms, xlev, grid, ...) { # nolint: object_name_linter.
  check_dots(..., known = from_emmeans)
  stop_gbtm("no_marginal_means", no_marginal_means, "object", "", sys.call())
}

# What emmeans(), contrast() and their like hand on to any model's method.
from_emmeans <- c("params", "mode", "vcov.", "frame", "misc", "options", "adjust", "cross.adjust", "interaction",
                  "simple", "infer", "level", "type", "by", "reverse", "null", "side", "delta", "var", "max.degree",
                  "ref", "parens", "enhance.levels", "scheffe.rank", "bias.adjust", "transform", "submodel", "lmer.df")

no_marginal_means <- paste(
  "emmeans: the groups of a trajectory model are latent, no factor of the data to average over.",
  "predict(fit, times = ) gives each group's mean with its band, also at covariates: predict(fit, newdata = );",
  "equal_curves(), wald_test() and delta_method() compare groups."
)
