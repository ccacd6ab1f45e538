"""Recompute all derived values and compare them with the stored ones."""
