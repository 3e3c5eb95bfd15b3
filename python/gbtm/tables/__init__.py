"""A table as it is printed: its cells as text, and in Word."""
