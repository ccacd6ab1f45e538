"""Readers of the files that newsrooms have: office documents, PDF, and items of agencies."""
