"""PURE: a page as a tree of blocks."""
