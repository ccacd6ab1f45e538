"""How long something is tried to be sent: as long as documented, whatever pauses are drawn."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.database.outgoing import QUEUES, OutgoingQueue
from storage.database.planned_times import LONGEST
from storage.values.net.pauses import DAY

HOUR = 3_600.0
pytestmark = pytest.mark.unit


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.kind)
def test_what_cannot_be_sent_is_tried_for_a_day(queue: OutgoingQueue):
    random.seed(queue.kind)
    most = queue.most_attempts
    for _ in range(2_000):
        tried = sum(queue.pauses.seconds_after(each) for each in range(1, most or 40))
        assert tried > 22 * HOUR
        assert (most is None) == (queue.given_up is None), "it is never given up"
        assert most is None or tried < 30 * HOUR


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.kind)
@given(attempts=st.integers(1, 40), asked=st.none() | st.floats(0, 1e6))
def test_pauses_grow_are_spread_and_respect_the_request_of_the_receiver(queue, attempts, asked):
    first, factor, longest, longest_requested = queue.pauses
    own = min(first * factor ** (attempts - 1), longest)
    requested = min(asked or 0, longest_requested)
    assert (
        max(own * 0.75, requested)
        <= queue.pauses.seconds_after(attempts, asked)
        <= max(own, requested)
    )
    assert longest_requested == DAY
    assert LONGEST[queue.table.c.next_at] >= max(longest, longest_requested), (
        "the row waits as long"
    )
