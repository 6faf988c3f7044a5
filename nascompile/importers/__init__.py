"""Genotypes as other programs write them, read as data and checked against a space. Nothing that is read is run."""
