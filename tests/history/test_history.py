"""Versions are runs of equal wording in order of the time seen, in any order of arrival."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.history.runs import ExtractorKey, OtherReading, Run, Snapshot, runs

START = datetime(2024, 6, 18, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def snapshot(number: int, hours: float, wording: int, *confirmed: float) -> Snapshot:
    return Snapshot(
        at(hours), number, wording, bytes([wording]) * 32, wording * 10, tuple(map(at, confirmed))
    )


def told(found: tuple[Run, ...]) -> list[tuple[int, datetime | None, datetime, datetime]]:
    return [(run.wording_id, run.changed_after, run.changed_by, run.last_seen) for run in found]


moments = st.integers(0, 9)
looks = st.tuples(moments, st.integers(1, 3), st.lists(moments, max_size=2))


@st.composite
def some_snapshots(draw: st.DrawFn) -> list[Snapshot]:
    chosen = draw(st.lists(looks, max_size=9))
    return [
        snapshot(number, hours, wording, *sorted(hours + later for later in confirmed))
        for number, (hours, wording, confirmed) in enumerate(chosen, start=1)
    ]


def named_anew(snapshots: list[Snapshot], numbers: list[int]) -> list[Snapshot]:
    """Return the same snapshots as if they had come in in another order."""
    return [replace(s, observation_id=n) for s, n in zip(snapshots, numbers, strict=True)]


@given(some_snapshots(), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_history(snapshots, random):
    numbers = [each.observation_id for each in snapshots]
    random.shuffle(numbers)
    again = named_anew(snapshots, numbers)
    random.shuffle(again)
    assert told(runs(again)) == told(runs(snapshots))


@given(some_snapshots())
def test_neighbouring_versions_differ_and_are_numbered_without_gaps(snapshots):
    found = runs(snapshots)
    assert [run.number for run in found] == list(range(1, len(found) + 1))
    assert all(a.wording_id != b.wording_id for a, b in itertools.pairwise(found))


@given(some_snapshots())
def test_every_check_belongs_to_a_version_of_its_wording_and_versions_do_not_overlap(snapshots):
    found = runs(snapshots)
    for each in snapshots:
        for moment in (each.observed_at, *each.confirmed):
            assert any(
                run.wording_id == each.wording_id and run.changed_by <= moment <= run.last_seen
                for run in found
            )
    for before, after in itertools.pairwise(found):
        assert before.last_seen == after.changed_after <= after.changed_by


@given(some_snapshots())
def test_a_snapshot_reported_twice_changes_nothing(snapshots):
    assert told(runs([*snapshots, *snapshots])) == told(runs(snapshots))


@given(some_snapshots())
def test_each_observation_is_filed_under_the_versions_that_its_looks_belong_to(snapshots):
    filed = [number for run in runs(snapshots) for number in run.observation_ids]
    assert set(filed) == {each.observation_id for each in snapshots}


def test_no_snapshot_makes_no_version():
    assert runs([]) == ()


def test_a_wording_that_returns_is_a_version_of_its_own():
    found = runs([snapshot(3, 3, 1), snapshot(1, 1, 1), snapshot(2, 2, 2)])
    assert [(run.number, run.wording_id) for run in found] == [(1, 1), (2, 2), (3, 1)]


def test_a_change_lies_between_the_last_check_of_the_old_text_and_the_first_of_the_new():
    (first, second) = runs([snapshot(1, 0, 1, 1, 5), snapshot(2, 6, 2)])
    assert (first.changed_after, first.changed_by, first.last_seen) == (None, at(0), at(5))
    assert (second.changed_after, second.changed_by, second.last_seen) == (at(5), at(6), at(6))


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        pytest.param(
            snapshot(9, 2, 2), [1, 2, 1], id="another wording in the middle splits the run"
        ),
        pytest.param(snapshot(9, 2, 1), [1], id="the same wording in the middle changes nothing"),
        pytest.param(snapshot(9, -1, 2), [2, 1], id="another wording before the first comes first"),
        pytest.param(
            snapshot(9, -1, 1), [1], id="the same wording before the first begins it earlier"
        ),
    ],
)
def test_a_late_snapshot_finds_its_place(late, expected):
    snapshots = [snapshot(1, 0, 1), snapshot(2, 3, 1)]
    assert [run.wording_id for run in runs([*snapshots, late])] == expected


def test_a_file_that_scans_confirmed_on_both_sides_of_another_wording_gives_three_versions():
    found = runs([snapshot(1, 0, 1, 1, 4), snapshot(2, 2, 2)])
    assert [run.wording_id for run in found] == [1, 2, 1]
    assert [run.changed_by for run in found] == [at(0), at(2), at(4)]
    assert found[2].observation_id == 1


def test_two_wordings_of_one_moment_are_in_the_order_of_their_digests():
    one = runs([snapshot(1, 0, 1), snapshot(2, 0, 2)])
    other = runs([snapshot(2, 0, 1), snapshot(1, 0, 2)])
    assert told(one) == told(other)
    assert [run.wording_id for run in one] == [1, 2]


def test_one_wording_read_out_of_two_captures_of_one_moment_shows_the_same_of_them():
    one = replace(snapshot(1, 0, 1), derivation_id=70, raw=b"a")
    two = replace(snapshot(2, 0, 1), derivation_id=80, raw=b"b")
    swapped = [replace(one, observation_id=2), replace(two, observation_id=1)]
    assert runs([one, two])[0].derivation_id == runs(swapped)[0].derivation_id == 70


# ------------------------------------------------------------------- an extractor is replaced

OLD, NEW, PLAIN = ("page", "1", ""), ("page", "2", ""), ("text", "1", "")


def read_by(reader: ExtractorKey, each: Snapshot, again: OtherReading | None = None) -> Snapshot:
    """Return a snapshot as `reader` read it; `again` is the reading of the same bytes by the other one."""
    other = NEW if reader == OLD else OLD
    return replace(each, reader=reader, other_readings={other: again} if again else {})


def reread(each: Snapshot) -> OtherReading:
    """Return the reading of a snapshot by the new reader: other letters, where the old one saw the same."""
    return OtherReading(
        each.derivation_id + 5, each.wording_id + 100, bytes([each.wording_id + 100]) * 32
    )


def upgraded(snapshots: list[Snapshot], since: int) -> list[Snapshot]:
    """Return a history in which all from observation `since` on was read by a new reader.

    Its neighbours were read again, as is done before anything is compared.
    """
    told = []
    for each in snapshots:
        again = reread(each)
        if each.observation_id < since:
            told.append(read_by(OLD, replace(each, derivation_id=each.observation_id), again))
        else:
            told.append(
                read_by(
                    NEW,
                    replace(
                        each,
                        derivation_id=1000 + each.observation_id,
                        wording_id=again.wording_id,
                        digest=again.digest,
                    ),
                )
            )
    return told


def spans(found: tuple[Run, ...]) -> list[tuple[datetime | None, datetime, datetime]]:
    return [(run.changed_after, run.changed_by, run.last_seen) for run in found]


@st.composite
def snapshots_at_their_own_moments(draw: st.DrawFn) -> list[Snapshot]:
    """Draw snapshots no two of which share a moment: their order is then that of time alone."""
    wordings = draw(st.lists(st.integers(1, 3), max_size=9))
    hours = draw(st.permutations(range(len(wordings))))
    return [
        snapshot(n, h, w) for n, (h, w) in enumerate(zip(hours, wordings, strict=True), start=1)
    ]


@given(snapshots_at_their_own_moments(), st.integers(0, 10))
def test_a_new_reader_makes_no_version_and_hides_none(snapshots, since):
    assert spans(runs(upgraded(snapshots, since))) == spans(runs(snapshots))


@given(some_snapshots())
def test_reading_everything_again_changes_nothing(snapshots):
    old = [read_by(OLD, each) for each in snapshots]
    again = [read_by(OLD, each, OtherReading(7, 9, b"x" * 32)) for each in snapshots]
    assert runs(again) == runs(old)


def test_a_step_between_two_readers_is_shown_by_what_one_of_them_read():
    before = read_by(OLD, snapshot(1, 0, 1), OtherReading(15, 101, b"e" * 32))
    after = read_by(NEW, replace(snapshot(2, 1, 2), derivation_id=20, wording_id=102))
    (_first, second) = runs([before, after])
    assert second.step.pair == (15, 20)
    assert runs([replace(before, other_readings={}), after])[1].step.pair == (10, 20)


def test_a_text_that_cannot_be_compared_makes_no_version():
    before = read_by(OLD, snapshot(1, 0, 1), OtherReading(15, None, None))
    after = read_by(NEW, replace(snapshot(2, 1, 2), derivation_id=20))
    (only,) = runs([before, after])
    assert only.observation_ids == (1, 2)
    assert only.wording_id == 1


def test_a_late_capture_read_by_a_new_reader_is_compared_on_both_sides():
    def old(number: int, hours: float, again: int) -> Snapshot:
        return read_by(
            OLD, snapshot(number, hours, 1), OtherReading(number + 50, again, bytes([again]) * 32)
        )

    late = read_by(
        NEW, replace(snapshot(3, 1, 1), derivation_id=90, wording_id=7, digest=bytes([7]))
    )
    assert len(runs([old(1, 0, 7), old(2, 2, 7), late])) == 1
    assert len(runs([old(1, 0, 7), old(2, 2, 8), late])) == 2
    assert len(runs([old(1, 0, 8), old(2, 2, 8), late])) == 3


def test_readers_of_different_kinds_of_documents_compare_as_they_are():
    page = read_by(OLD, snapshot(1, 0, 1))
    text = replace(snapshot(2, 1, 1), reader=PLAIN)
    other = replace(snapshot(3, 2, 2), reader=PLAIN)
    assert [run.wording_id for run in runs([page, text, other])] == [1, 2]
