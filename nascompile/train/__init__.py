"""Training, evaluation and checkpoints of a network that is handed in. Knows nothing of the language."""
