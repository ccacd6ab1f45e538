"""Queries of documented views that need a module of their own."""
