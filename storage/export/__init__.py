"""Whole archives streamed out, as texts or as WARC."""
