"""PURE: what a page says of itself: title, authors, dates, pictures."""
