"""The fit document read and checked: its fields by name and type, and the model it came from."""
