"""Serving the tools for assistants on standard input and output."""
