"""Surrogates: what training would give, predicted from genotypes; models are files that every version can read."""
