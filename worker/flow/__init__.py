"""The path of a text from its source into the archive, as plain function calls."""
