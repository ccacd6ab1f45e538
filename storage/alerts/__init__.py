"""Who wants to hear of which changes, and what became of each message; it sends nothing."""
