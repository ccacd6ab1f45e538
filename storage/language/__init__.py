"""PURE: words, sentences, names, numbers, dates and quotations in a text."""
