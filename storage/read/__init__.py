"""Finds, lists, compares, and explains. It never writes."""
