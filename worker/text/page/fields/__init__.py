"""PURE: the fields of a page: title, authors, dates, images and more."""
