"""Strategies of black-box search, one a file; the file's name is the strategy's. None of them loads torch."""
