"""PURE: choose the speaker of a quotation: candidates, their features, and a fitted linear
model.
"""
