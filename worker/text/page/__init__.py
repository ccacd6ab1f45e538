"""PURE: read a web page into a draft."""
