"""How work is spread: threads, processes, progress, and two numerical tools."""
