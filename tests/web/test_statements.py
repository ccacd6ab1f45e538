"""A check of an address that says nothing new costs a few statements."""

import pytest

from tests.statements import statements_of
from tests.web.desk import HOSTS, PEGEL
from tests.web.site import page


def statements(desk, pages: int) -> int:
    addresses = [f"https://{HOSTS[pages % 3]}/damm/{pages}/{number}" for number in range(pages)]
    for address in addresses:
        desk.web.put(address, page(f"Pegel {address[-1]} steigt", (address, *PEGEL)))
    desk.fetch(*addresses, at=pages)
    with statements_of(desk.archive.engine) as said:
        counts = desk.fetch(*addresses, at=pages + 0.5)
    assert counts.unchanged == pages
    return len(said)


@pytest.mark.slow
def test_each_further_check_costs_a_few_statements(desk):
    few, many = statements(desk, 2), statements(desk, 12)
    assert many - few <= 9 * 10, (few, many)
