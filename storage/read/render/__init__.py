"""PURE: how answers read wherever they go out: typed times, visible characters, references."""
