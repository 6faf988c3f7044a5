"""One-shot searches: a supernet is trained, and its architecture parameters with it."""
