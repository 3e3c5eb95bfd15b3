# The look that all figures share: colours, marks, names, captions, the theme.

wrapped_caption <- function(said, width = 150) paste(strwrap(paste(said, collapse = " "), width), collapse = "\n")

# Rows of the curves that have a band somewhere: ggplot2 cannot draw one that is missing throughout.
with_band <- function(table, by) {
  known <- stats::ave(as.numeric(!is.na(table$lower)), do.call(paste, table[by]), FUN = max)
  table[known > 0, ]
}

outcome_label <- function(fit) {
  if (has_trials(fit)) return(sprintf("share of %s among the trials", fit$outcome_name))
  if (family_traits(fit$family)$is_binary) return(sprintf("P(%s = 1)", fit$outcome_name))
  paste("mean of", fit$outcome_name)
}

# Names in lines of so many letters at most, as ggplot2 does not break them.
in_lines <- function(text, width) {
  vapply(text, function(one) paste(strwrap(one, width), collapse = "\n"), "", USE.NAMES = FALSE)
}

# Colours and, for grey print, marks of the groups.
group_scales <- function(n, colours = group_colours) {
  list(
    ggplot2::scale_colour_manual(values = rep_len(colours, n), aesthetics = c("colour", "fill"), drop = FALSE),
    ggplot2::scale_shape_manual(values = rep_len(group_symbols, n), drop = FALSE)
  )
}

theme_figures <- function() {
  ggplot2::theme_classic(base_size = 10) +
    ggplot2::theme(
      strip.background = ggplot2::element_blank(), strip.text = ggplot2::element_text(hjust = 0, size = 8.5),
      strip.clip = "off",
      panel.grid.major.y = ggplot2::element_line(colour = "#E6E6E6", linewidth = 0.3),
      axis.line = ggplot2::element_line(colour = "#333333", linewidth = 0.35),
      axis.text = ggplot2::element_text(colour = "#333333"), legend.position = "top", legend.justification = "left",
      legend.margin = ggplot2::margin(), legend.box.spacing = ggplot2::unit(4, "pt"),
      plot.caption = ggplot2::element_text(hjust = 0, colour = "#595959", size = 7.5),
      plot.caption.position = "plot", plot.margin = ggplot2::margin(6, 8, 6, 6)
    )
}
