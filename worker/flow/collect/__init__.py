"""Collect what an ingest job names: folders with files, addresses, and their histories."""
