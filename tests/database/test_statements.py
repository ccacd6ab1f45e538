"""A batch costs a few dozen statements, however many articles it has."""

from sqlalchemy import Engine

from storage.read.archive import open_archive
from tests.flow.driver import SENTENCES, page, seed
from tests.history.test_noise import see, text
from tests.statements import statements_of
from worker.flow.order import target_of

BATCH = 100


def bring(room, at: float, edit: int) -> int:
    """Write `BATCH` articles again, read them, and return how many statements the reading took."""
    for number in range(BATCH):
        own = f"Am Damm {number} stieg der Pegel um {edit + number} Zentimeter."
        room.write(f"{number}.txt", seed(f"Pegel am Damm {number}", own, SENTENCES[number % 3]))
    room.now = room.now.replace(hour=int(at))
    job = room.ordered([target_of(room.source)])
    room.collected(job)
    with statements_of(room.archive.engine) as said:
        counts = room.worked(job)
    assert counts.seen == BATCH
    return len(said)


def test_a_new_article_takes_a_statement_and_an_edited_one_at_most_two(room):
    assert bring(room, 7, 0) <= BATCH
    assert bring(room, 8, 1000) <= 2 * BATCH
    assert bring(room, 9, 2000) <= 2 * BATCH
    assert room.number("SELECT count(*) FROM version") == 3 * BATCH


def test_captures_that_come_late_take_at_most_six_statements_each(room):
    paths = [
        room.write(
            f"{number}-{at}.md",
            page(
                text(f"Der Damm {number} hielt {at} Stunden.", SENTENCES[2]),
                url=f"https://lohebote.example/{number}",
                observed_at=room.now.replace(hour=at),
            ),
            room.root / "imports",
        )
        for at in (9, 5, 7)
        for number in range(20)
    ]
    source = room.watch("imports", room.root / "imports")
    job = room.ordered([target_of(source)])
    room.collected(job)
    with statements_of(room.archive.engine) as said:
        room.worked(job)
    assert room.number("SELECT count(*) FROM version") == len(paths)
    assert len(said) <= 6 * len(paths)


def test_a_comparison_takes_four_statements(room):
    address = "https://lohebote.example/pegel@damm"
    for at in (1, 2):
        see(room, at, text(SENTENCES[at], SENTENCES[0]), address)
    with open_archive(room.url) as archive:
        archive.diff(f"{address}@1", f"{address}@2")
        with statements_of(Engine) as said:
            found = archive.diff(f"{address}@1", f"{address}@2")
        assert "delete" in {each.op for each in found.operations}
        assert len(said) <= 4, chr(10).join(s[:150] for s in said)
