"""Analog in-memory hardware: devices, what goes on which of their tiles, and what that costs. Never loads torch."""
