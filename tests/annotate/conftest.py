"""Tests of pure code: each is a unit test."""

from tests.tiers import mark_unit_test as pytest_itemcollected  # noqa: F401 -- a hook
