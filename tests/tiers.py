"""Rules by which a folder puts its tests into a tier; the other tiers are markers on the tests."""

import pytest


def mark_unit_test(item: pytest.Item) -> None:
    """Mark a collected test of a pure package as a unit test, unless a marker says otherwise."""
    if not any(map(item.get_closest_marker, ("child", "large", "slow"))):
        item.add_marker(pytest.mark.unit)
