"""Genotypes as other programs write them, read as data and checked against a space. Nothing that is read is run."""

FORMAT_NAMES = ("darts", "nas-unet", "nas-wdan", "dints", "nas-lung", "analog-nas")
"""What `--format` takes; the formats themselves are in `formats`."""
