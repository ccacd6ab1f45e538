"""Quotations: the order about a person."""
