"""Files and folders, read once they have settled."""
