"""PURE: a web page, from its bytes to a draft."""
