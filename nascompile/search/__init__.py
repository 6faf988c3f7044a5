"""Searches: strategies that choose genotypes. They see spaces and objectives, never texts."""
