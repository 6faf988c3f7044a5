"""Evaluates `task` and `search` bodies, and what overrides them, into plain data."""
