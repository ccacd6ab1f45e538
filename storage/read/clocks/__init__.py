"""The archive as it was readable, or as it was known, at a time."""
