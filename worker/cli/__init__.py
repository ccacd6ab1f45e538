"""The `lesart` command: what starts work."""
