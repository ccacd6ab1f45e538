"""PURE: the values of settings."""
