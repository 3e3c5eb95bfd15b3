# The legend and the titles of a base R picture: above the plot within its margin, in as many columns and lines and as
# small as it takes, never over the title and never off the device.

# How small the legend may get, in steps, before its names are cut.
legend_sizes <- seq(1, 0.4, by = -0.1)

legend_labels <- function(fit, labels = NULL) {
  names <- if (is.null(labels)) paste("Group", seq_len(fit$n_groups)) else check_labels(labels, fit$n_groups)
  sprintf("%s (%s)", names, percent(fit$shares))
}

check_labels <- function(labels, n) {
  if (length(labels) != n || anyDuplicated(labels) || anyNA(labels)) {
    stop_gbtm("bad_labels", sprintf("labels: %s does not name %d groups.", shown(labels), n), "labels",
              "Give one name of its own per group, in the order of the groups.")
  }
  as.character(labels)
}

# Lines of a text that have room on so many inches.
broken_text <- function(text, inches, cex = 1, font = 1) {
  if (!length(text) || is.expression(text) || is.call(text) || is.name(text)) return(text)
  vapply(as.character(text), function(whole) {
    lines <- strsplit(whole, "\n", fixed = TRUE)[[1]]
    paste(vapply(lines, broken_line, "", inches = inches, cex = cex, font = font), collapse = "\n")
  }, "", USE.NAMES = FALSE)
}

broken_line <- function(line, inches, cex, font) {
  whole <- graphics::strwidth(line, "inches", cex = cex, font = font)
  width <- max(8, floor(nchar(line) * inches / max(whole, 1e-6)))
  lines <- strwrap(line, width)
  while (width > 8 && max(graphics::strwidth(lines, "inches", cex = cex, font = font)) > inches) {
    width <- width - 1
    lines <- strwrap(line, width)
  }
  paste(lines, collapse = "\n")
}

# Height in inches of one line of a margin.
margin_line <- function() graphics::par("csi") * graphics::par("mex")

# Inches within the figure for a text about the middle of the plot, along its foot (side 1) or its height (side 2).
about_middle <- function(side) {
  margins <- graphics::par("mai")[if (side == 1) c(2, 4) else c(1, 3)]
  graphics::par("pin")[side] + 2 * min(margins) - 0.1
}

# Write the title at the top of the margin; how many inches of the margin remain between it and the plot.
draw_title <- function(main, settings = list()) {
  room <- graphics::par("mai")[3]
  if (!length(main) || identical(main, "")) return(room)
  cex <- if (is.null(settings$cex.main)) graphics::par("cex.main") else settings$cex.main
  font <- if (is.null(settings$font.main)) graphics::par("font.main") else settings$font.main
  text <- broken_text(main, about_middle(1), cex, font)
  height <- graphics::strheight(text, "inches", cex = cex, font = font)
  gap <- 0.25 * margin_line()
  bottom <- max(room - gap - height, 0.1 * margin_line())
  keep <- intersect(names(settings), c("cex.main", "font.main", "col.main", "adj", "family"))
  do.call(graphics::title, c(list(main = text, line = bottom / margin_line()), settings[keep]))
  bottom - gap / 2
}

# What a legend over the plot looks like where `room` inches of the margin are free: names in one line each if the
# letters can be large enough, else broken, else cut. NULL where there is no room for a line.
legend_above <- function(labels, room, key) {
  wide <- graphics::par("fin")[1] - 0.1
  fits <- function(one) {
    if (is.null(one)) return(FALSE)
    size <- legend_size(one, key)
    size[1] <= wide && size[2] <= room
  }
  for (one in legend_tries(labels, wide)) {
    if (fits(one())) return(one())
  }
  NULL
}

# Ever smaller legends on so many inches, each made when it is asked for.
legend_tries <- function(labels, wide) {
  plans <- rbind(
    expand.grid(columns = rev(seq_along(labels)), cex = legend_sizes[legend_sizes > 0.65], most = 0),
    expand.grid(columns = rev(seq_along(labels)), cex = legend_sizes, most = Inf),
    expand.grid(columns = seq_along(labels), cex = min(legend_sizes), most = 3:1)
  )
  lapply(seq_len(nrow(plans)), function(i) {
    plan <- plans[i, ]
    function() {
      inches <- wide / plan$columns - 0.62 * plan$cex
      if (inches < 0.3) return(NULL)
      text <- if (plan$most == 0) labels else shortened(broken_text(labels, inches, plan$cex), plan$most)
      list(legend = paste0(text, if (plan$columns > 1) "  "), cex = plan$cex, ncol = plan$columns,
           y.intersp = if (any(grepl("\n", text, fixed = TRUE))) 1.1 else 1)
    }
  })
}

# Names of no more than so many lines; what is cut off is marked.
shortened <- function(text, most) {
  if (is.infinite(most)) return(text)
  vapply(strsplit(text, "\n", fixed = TRUE), function(lines) {
    if (length(lines) <= most) return(paste(lines, collapse = "\n"))
    share <- sub("^.*?(\\([0-9.]+ %\\))?$", "\\1", paste(lines, collapse = " "), perl = TRUE)
    last <- lines[most]
    room <- max(nchar(last) - nchar(share) - 4, 3)
    paste(c(lines[seq_len(most - 1)], paste0(substr(last, 1, room), "... ", share)), collapse = "\n")
  }, "")
}

# Width and height in inches of a legend that is not drawn.
legend_size <- function(one, key) {
  drawn <- legend_call(c(one, list(x = from_usr(1, 0.5), y = from_usr(2, 0.5))), key, plot = FALSE)
  usr <- graphics::par("usr")
  c(drawn$rect$w, drawn$rect$h) * graphics::par("pin") / c(diff(usr[1:2]), diff(usr[3:4]))
}

# What lies at a share of the width (side 1) or the height (side 2) of the plot, in the axis's own units.
from_usr <- function(side, share) {
  ends <- graphics::par("usr")[2 * side - c(1, 0)]
  at <- ends[1] + share * diff(ends)
  if (graphics::par(c("xlog", "ylog")[side])) 10^at else at
}

legend_call <- function(one, key, plot = TRUE) {
  do.call(graphics::legend, c(one, key, list(bty = "n", seg.len = 1.5, xpd = NA, plot = plot)))
}

# The legend where it was asked for: TRUE for the margin above, of which `room` inches are free, else within the plot.
# `key` are the colours, lines and marks; `x`, `y` what is drawn, which a legend without a margin keeps clear of.
draw_legend <- function(where, labels, key, room, x, y) {
  if (isFALSE(where)) return(invisible())
  if (isTRUE(where)) {
    one <- legend_above(labels, room, key)
    if (!is.null(one)) {
      middle <- graphics::grconvertX(0.5, "nfc", "user")
      return(invisible(legend_call(c(one, list(x = middle, y = from_usr(2, 1), xjust = 0.5, yjust = 0)), key)))
    }
  }
  pin <- graphics::par("pin")
  one <- NULL
  for (try in legend_tries(labels, 0.7 * pin[1])) {
    one <- try()
    if (!is.null(one) && all(legend_size(one, key) <= 0.7 * pin)) break
  }
  if (is.null(one)) one <- list(legend = labels, cex = min(legend_sizes), ncol = 1)
  if (isTRUE(where)) where <- emptiest_corner(legend_size(one, key), x, y)
  invisible(legend_call(c(one, list(x = where)), key))
}

# The corner of the plot in which a box of this size in inches covers least of what is drawn.
emptiest_corner <- function(size, x, y) {
  across <- graphics::grconvertX(x, "user", "npc") * graphics::par("pin")[1]
  up <- graphics::grconvertY(y, "user", "npc") * graphics::par("pin")[2]
  pin <- graphics::par("pin")
  left <- across < size[1]
  right <- across > pin[1] - size[1]
  high <- up > pin[2] - size[2]
  low <- up < size[2]
  covered <- c(topright = sum(right & high, na.rm = TRUE), topleft = sum(left & high, na.rm = TRUE),
               bottomright = sum(right & low, na.rm = TRUE), bottomleft = sum(left & low, na.rm = TRUE))
  names(covered)[which.min(covered)]
}

# Names of the axes, smaller and in two lines where they are long.
draw_axis_names <- function(xlab, ylab, settings = list()) {
  keep <- intersect(names(settings), c("font.lab", "col.lab", "family"))
  at <- graphics::par("mgp")[1]
  if (!is.null(settings$mgp)) at <- settings$mgp[1]
  full <- if (is.null(settings$cex.lab)) graphics::par("cex.lab") else settings$cex.lab
  for (side in 1:2) {
    text <- list(xlab, ylab)[[side]]
    if (!length(text) || identical(text, "")) next
    fitted <- axis_name(text, about_middle(side), full)
    lines <- if (is.character(text)) length(strsplit(fitted$text, "\n", fixed = TRUE)[[1]]) - 1 else 0
    own <- stats::setNames(list(fitted$text), c("xlab", "ylab")[side])
    do.call(graphics::title, c(own, list(line = at - 0.7 * fitted$cex * lines * (side == 2), cex.lab = fitted$cex),
                               settings[keep]))
  }
}

# A name in one line if letters of 0.7 of their size allow that, else in up to three, else cut.
axis_name <- function(text, inches, cex) {
  if (!is.character(text)) return(list(text = text, cex = cex))
  for (size in cex * c(1, 0.9, 0.8, 0.7)) {
    if (graphics::strwidth(text, "inches", cex = size) <= inches) return(list(text = text, cex = size))
  }
  most <- c(2, 3, 3)
  sizes <- cex * c(0.7, 0.6, 0.5)
  for (i in 1:3) {
    broken <- broken_text(text, inches, sizes[i])
    if (length(strsplit(broken, "\n", fixed = TRUE)[[1]]) <= most[i]) break
  }
  list(text = shortened(broken, most[i]), cex = sizes[i])
}

# What has to be said of the curves, in small letters at the foot of the figure.
draw_words <- function(words) {
  if (!length(words)) return(invisible())
  room <- graphics::par("mai")[1] - (graphics::par("mgp")[1] + 1.1) * margin_line()
  for (cex in c(0.75, 0.65, 0.55, 0.5)) {
    text <- broken_text(paste(words, collapse = " "), 0.96 * graphics::par("fin")[1], cex)
    if (graphics::strheight(text, "inches", cex = cex) <= room) break
  }
  from <- if (graphics::strheight("x", "inches", cex = cex) <= room) "nfc" else "npc" # within the plot: no such margin
  graphics::text(graphics::grconvertX(0.02, from, "user"), graphics::grconvertY(0.015, from, "user"), text,
                 adj = c(0, 0), cex = cex, col = "#595959", xpd = NA)
}
