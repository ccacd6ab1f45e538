"""PURE: read formats other than pages: seeds, Markdown, JSON."""
