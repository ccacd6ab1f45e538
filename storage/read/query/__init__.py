"""Declared queries: parameters for commands, HTTP API and pages, and the rows they return."""
