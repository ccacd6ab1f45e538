"""PURE: decode and parse a page, and split it into blocks."""
