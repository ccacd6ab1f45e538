"""Take texts out of the archive, everywhere, and keep what proves that they were there."""
