"""From a table to a panel: the only room that reads what users hand over."""
