"""PURE: what is told of paragraphs: roles, marks, notices, language, dates, quotations."""
