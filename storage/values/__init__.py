"""PURE: frozen values that cross borders between rooms."""
