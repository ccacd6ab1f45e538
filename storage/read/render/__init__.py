"""PURE: formatting of records for all outputs: typed times, visible characters, references."""
