"""The scheduler: the acts that it repeats, and when sources are due."""
