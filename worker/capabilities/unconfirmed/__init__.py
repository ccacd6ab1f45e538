"""Deciding about unconfirmed readings: commands, requests, and the check of `lesart doctor`."""
