"""Search spaces: decisions, genotypes, exact sizes, sampling, decoding."""
