"""Tasks and their data: cases, splits, reading, patches. Imports nothing by itself, so that checking needs no torch."""
