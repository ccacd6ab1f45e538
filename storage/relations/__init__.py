"""Copies, follow-ups and clusters: detected, stored and undone."""
