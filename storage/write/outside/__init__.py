"""Requests to other archives to copy pages."""
