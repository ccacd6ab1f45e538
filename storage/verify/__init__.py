"""Computes everything again and compares."""
