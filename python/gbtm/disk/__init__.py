"""Data that stay on disk: which files, in which blocks they are read, and what is known of all blocks."""
