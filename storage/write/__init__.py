"""The write access to an archive. Only this package commits transactions."""
