"""Networks on simulated in-memory hardware: weights on tiles, converters, noise, drift. With aihwkit."""
