# One group is often so far from the rest that its point would squeeze them: an arrow stands for it.

# Whether the axis of one group would squeeze the models of more groups into a line.
first_is_far <- function(line) {
  if (!any(line$groups == 1) || length(unique(line$groups)) < 3) return(FALSE)
  one <- line$groups == 1
  error <- ifelse(is.na(line$se), 0, line$se)
  ends <- range((line$value - error)[!one], (line$value + error)[!one])
  first <- range((line$value - error)[one], (line$value + error)[one])
  max(ends[1] - first[1], first[2] - ends[2]) > constants$off_first * diff(ends)
}

# Where the arrow to one group stands, and its values.
off_scale <- function(line, limits, title) {
  first <- line$value[line$groups == 1]
  up <- mean(first) > mean(limits)
  edge <- if (up) limits[2] else limits[1]
  values <- unique(formatC(first, format = "f", digits = 0, big.mark = ","))
  data.frame(panel = title, groups = 1, value = edge - (if (up) 0.15 else -0.15) * diff(limits), end = edge,
             text = paste(c("K = 1:", values), collapse = "\n"), vjust = if (up) 1.1 else -0.1)
}

# The line as far as it runs towards one group within the limits.
cut_at <- function(line, limits) {
  for (i in which(line$groups == 1)) {
    rest <- line[line$series == line$series[i] & line$groups > 1, ]
    nearest <- rest[which.min(rest$groups), ]
    if (nrow(nearest)) {
      edge <- if (line$value[i] > limits[2]) limits[2] else limits[1]
      share <- min(1, max(0, (edge - nearest$value) / (line$value[i] - nearest$value)))
      line$groups[i] <- nearest$groups + share * (1 - nearest$groups)
      line$value[i] <- nearest$value + share * (line$value[i] - nearest$value)
    }
    line$se[i] <- NA_real_
    line$off[i] <- TRUE
  }
  line
}

off_scale_layers <- function(off) {
  if (is.null(off)) return(NULL)
  .data <- ggplot2::.data
  list(
    ggplot2::geom_segment(ggplot2::aes(x = .data$groups, xend = .data$groups, y = .data$value, yend = .data$end), off,
                          arrow = ggplot2::arrow(length = ggplot2::unit(3, "pt")), colour = "#595959",
                          linewidth = 0.35),
    ggplot2::geom_text(ggplot2::aes(label = .data$text, vjust = .data$vjust), off, size = 2.4, lineheight = 0.9,
                       colour = "#595959")
  )
}
