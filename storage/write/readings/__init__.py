"""Store the readings of captures: compare before the lock, decide, write, and relate."""
