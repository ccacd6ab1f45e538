"""Copies, follow-ups, and clusters: found among candidates, kept, undone."""
