"""What the archive counts: its size, edits, coverage, work and health."""
