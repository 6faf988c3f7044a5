"""Costs: static ones from the layers' declarations, measured ones from runtimes."""
