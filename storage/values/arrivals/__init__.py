"""PURE: values of incoming documents and their sources."""
