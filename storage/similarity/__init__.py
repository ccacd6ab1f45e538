"""PURE: detect copies and follow-ups, and the index keys that find candidates for them."""
