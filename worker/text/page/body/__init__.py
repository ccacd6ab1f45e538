"""PURE: which blocks of a page are its text, and their roles."""
