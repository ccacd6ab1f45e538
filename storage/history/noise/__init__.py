"""Noise: decisions about steps between captures, and the boilerplate of sites."""
