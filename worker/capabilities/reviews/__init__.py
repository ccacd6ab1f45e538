"""Writing reviews of changes: a command and requests."""
