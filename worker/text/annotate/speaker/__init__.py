"""PURE: choose the speaker of a quotation among candidates, by a fitted linear model."""
