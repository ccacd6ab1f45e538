"""PURE: values of what comes in, and of where it comes from."""
