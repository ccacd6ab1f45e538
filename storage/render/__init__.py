"""How answers read, whichever way they go out: typed times, visible characters, references."""
