"""PURE: formats other than pages: seeds, Markdown, JSON."""
