"""The bundle's own code: its network, and what MONAI has no transform for."""
