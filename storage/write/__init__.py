"""The archive as its writers see it. It alone commits."""
