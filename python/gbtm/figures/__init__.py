"""Pictures by matplotlib, one kind a file."""
