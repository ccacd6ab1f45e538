"""PURE: annotate paragraphs with roles, marks, notices, language, dates and quotations."""
