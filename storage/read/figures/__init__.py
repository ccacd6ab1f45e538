"""Figures of the archive: size, edits, coverage, work and health."""
