"""Store what was read out of captures: compare before the lock, decide, write, and relate."""
