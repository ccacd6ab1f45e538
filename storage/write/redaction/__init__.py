"""Remove texts from the archive completely, and retain the proof that they existed."""
