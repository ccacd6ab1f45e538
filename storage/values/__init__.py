"""PURE: frozen values that packages exchange."""
