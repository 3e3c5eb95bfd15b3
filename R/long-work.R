# Work of the engine that may take long: a thread of Python's does it, and R waits for it a moment at a time. Python
# never calls R: an interrupt there would jump over Python's own frames, and the session would not survive the next
# call.

# Call a function of the bridge that may take long. What it has to say of the way it did the work is a warning.
long_answer <- function(name, ..., progress, call = NULL) {
  answer <- with_arrays(finished_work(name, ..., progress = progress, call = call))
  for (note in answer$notes) warning(gbtm_condition("note", note, NULL, "", call, c("gbtm_warning", "warning")))
  answer
}

# As call_bridge(), with a line of progress, and an end where the user interrupts.
finished_work <- function(name, ..., progress, call = NULL) {
  list(...) # an argument that cannot be had is its own error, not the engine's
  line <- progress_line(check_flag(progress, "progress"))
  bridge <- engine_bridge()
  done <- FALSE
  on.exit({
    line$end()
    if (!done) end_work(bridge)
  })
  answer <- tryCatch(waited_for(bridge, name, ..., tell = line$tell),
                     error = function(e) engine_failed(conditionMessage(e), call))
  done <- TRUE
  settled(answer, call)
}

waited_for <- function(bridge, name, ..., tell) {
  bridge$begin(bridge[[name]], ...)
  repeat {
    answer <- read_answer(bridge$wait(0.2))
    if (isTRUE(answer$interrupted)) raise_interrupt()
    if (is.null(answer$working)) return(answer)
    tell(answer$working, answer$seconds)
  }
}

# End what the engine does; an interrupt that R learned of on its own must not spoil it.
end_work <- function(bridge) suspendInterrupts(bridge$end())

# An interrupt that reached Python first comes back as an error in some versions of reticulate.
engine_failed <- function(message, call) {
  if (grepl("KeyboardInterrupt", message, fixed = TRUE)) raise_interrupt()
  stop_gbtm("engine_failed", sprintf("engine: %s", message), "engine",
            "If memory is not the cause, this is a fault in gbtm: please report it.", call)
}

raise_interrupt <- function() {
  signalCondition(structure(class = c("interrupt", "condition"), list()))
  invokeRestart("abort")
}

# One line that is overwritten, from two seconds on.
progress_line <- function(show) {
  shown <- FALSE
  tell <- function(what, seconds) {
    if (show && seconds >= 2) {
      shown <<- TRUE
      cat(sprintf("\rgbtm %5.1f s  %-90s", seconds, what), file = stderr())
    }
  }
  list(tell = tell, end = function() if (shown) cat("\n", file = stderr()))
}
