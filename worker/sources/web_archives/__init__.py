"""WARC, ARC, and WACZ."""
