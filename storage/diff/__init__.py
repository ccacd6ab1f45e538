"""PURE: what changed from one text to the next, of which class, and whether it is noise."""
