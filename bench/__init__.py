"""Measures behind what the documentation says about speed; each prints a ratio."""
