"""Tests of pure code, but for those that run commands."""

import pytest

from tests.tiers import mark_unit_test


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.path.name != "test_documents.py":
        mark_unit_test(item)
