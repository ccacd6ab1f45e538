"""PURE: the body of a page: its text blocks and their roles."""
