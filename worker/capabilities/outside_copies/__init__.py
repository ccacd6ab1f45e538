"""Copies of pages at other archives."""
