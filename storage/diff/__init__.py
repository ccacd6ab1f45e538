"""PURE: changes between two texts, their classes, and noise."""
