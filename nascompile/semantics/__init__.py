"""Meanings: names, expressions, shapes and the one elaborator."""
