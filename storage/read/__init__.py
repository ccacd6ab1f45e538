"""Reading: find, list, compare and explain. Nothing here writes to the archive."""
