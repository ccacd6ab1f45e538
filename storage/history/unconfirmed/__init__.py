"""Readings that may be a page in place of the article: the rule, the filter, their rows."""
