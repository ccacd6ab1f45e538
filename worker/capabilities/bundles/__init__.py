"""The command that writes proof bundles."""
