"""Writes the part of the archive that is only added to."""
