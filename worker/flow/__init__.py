"""The way of a text from its source into the archive, in plain calls."""
