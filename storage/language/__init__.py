"""PURE: the words, sentences, names, numbers, dates, and quotations that a text holds."""
