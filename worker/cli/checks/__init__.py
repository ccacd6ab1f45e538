"""The commands that check stored results."""
