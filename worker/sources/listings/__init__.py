"""Feeds, sitemaps, and lists of addresses."""
