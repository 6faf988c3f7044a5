"""Passes over programs: each takes a flat graph and returns one that computes the same."""
