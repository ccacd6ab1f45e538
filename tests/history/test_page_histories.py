"""Captures of long pages cost only their changed parts, at any number."""

from collections import Counter
from weakref import WeakValueDictionary

import pytest

from storage.history import memory as memories
from storage.language import paragraphs
from tests.history.test_noise import see_page, text

BOXES = (
    "Jetzt den Lohe Newsletter der Redaktion am Morgen bestellen",
    "Unser Podcast Deichgespräch erscheint ab Sonntag auf allen Plattformen",
    "Lesen Sie im Magazin Marschland von Reisen entlang der Küste",
)


def body(article: int, month: int) -> str:
    """Return a text of one topic with one edited paragraph and other boxes each month."""
    own = [f"Absatz {n} über den Damm {article} bei Ort{article} hält." for n in range(8)]
    own[month % 8] = f"Im Monat {month} wurde der Damm {article} bei Ort{article} geprüft."
    return text(*own[:4], BOXES[(article + month) % 3], *own[4:])


@pytest.mark.parametrize("months", [3, pytest.param(6, marks=pytest.mark.slow)])
def test_each_paragraph_is_taken_apart_once_however_many_captures_have_it(
    room, monkeypatch, months
):
    monkeypatch.setattr(paragraphs, "_HELD", WeakValueDictionary())
    taken: Counter[str] = Counter()
    topical = paragraphs.topical

    def counted(canon: str) -> frozenset[str]:
        taken[canon] += 1
        return topical(canon)

    monkeypatch.setattr(paragraphs, "topical", counted)
    for month in range(months):
        for article in range(5):
            see_page(room, month, body(article, month), f"https://lohebote.example/{article}")
    assert len(taken) > months, "boxes were asked for"
    assert max(taken.values()) == 1, taken.most_common(3)
    assert len(room.versions_of_all()) > 5


def test_a_capture_is_taken_apart_only_once_something_is_asked_of_others(room):
    see_page(room, 0, body(0, 0))
    assert not room.archive.memory.wordings
    see_page(room, 1, body(0, 1))
    assert room.archive.memory.wordings


def test_texts_that_no_one_asks_for_are_forgotten_within_bounds(room, monkeypatch):
    monkeypatch.setattr(memories, "MOST_CONTENT_LETTERS", 1_000)
    monkeypatch.setattr(memories, "MOST_TEXTS", 2)
    for month in range(4):
        see_page(room, month, body(1, month))
    memory = room.archive.memory
    assert 0 < sum(len("".join(each.text.parts)) for each in memory.contents.values()) <= 1_000
    assert len(memory.wordings) == 2
    assert [number for number, _text in room.versions()] == [1, 2, 3, 4]


def test_a_unit_that_failed_leaves_nothing_to_remember(room, monkeypatch):
    see_page(room, 0, body(1, 0))
    known = dict(room.archive.memory.contents)
    monkeypatch.setattr("storage.write.readings.store.record_reading", lambda *_: 1 / 0)
    see_page(room, 1, body(1, 1))
    assert room.archive.memory.contents == known
    monkeypatch.undo()
    see_page(room, 1, body(1, 2))
    assert room.versions()[-1][1] == body(1, 2)


def test_an_emptied_text_is_not_cached(room):
    see_page(room, 0, body(1, 0))
    memory = room.archive.memory
    assert memory.contents
    with room.archive.unit() as unit:
        row = room.one("SELECT min(id) AS id FROM wording")
        unit.connection.exec_driver_sql(
            "INSERT INTO redaction (id, table_name, row_id, reason, at) "
            f"VALUES ({unit.number()}, 'wording', {row['id']}, 'test', '2024-06-18 06:00:00')"
        )
    with room.archive.read_connection() as connection:
        memory.check(connection)
    assert not memory.contents
    assert not memory.wordings
