"""The knowledge about some articles at a time: equal to that of the whole archive, at their cost."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import Engine, event

from storage.read.archive import ReadOnlyArchive, open_archive
from storage.values.errors import NoSuchError
from tests.flow.driver import SENTENCES, Newsroom, hour, page, seed
from tests.flow.whole_record import fill_record
from tests.history.test_clocks import NAMES, step

Ask = Callable[[ReadOnlyArchive, str], Any]
ANSWERS: dict[str, Ask] = {
    "article": lambda archive, name: archive.article(name).to_dict(),
    "history": lambda archive, name: told(archive.history(name)),
    "observations": lambda archive, name: told(archive.observations(name)),
    "changes": lambda archive, name: told(archive.changes(name)),
    "noise": lambda archive, name: told(archive.noise(name)),
    "entries": lambda archive, name: told(archive.entries(name)),
    "version": lambda archive, name: archive.version(name).to_dict(),
    "first": lambda archive, name: archive.version(f"{name}@1").to_dict(),
    "raw": lambda archive, name: archive.raw(name).data,
    "diff": lambda archive, name: archive.diff(name).to_dict(),
    "range": lambda archive, name: archive.diff(f"{name}@1..@latest").to_dict(),
    "pair": lambda archive, name: archive.diff(name, "@1").to_dict(),
    "is_whole": lambda archive, name: archive.is_whole_article(name),
}


def told(rows) -> list[dict[str, Any]]:
    """Return rows as plain values, without their places in a list."""
    return [{k: v for k, v in row.to_dict().items() if k != "cursor"} for row in rows]


def answer(ask: Ask, archive: ReadOnlyArchive, name: str) -> Any:
    """Return an answer, or the error that it is."""
    try:
        return ask(archive, name)
    except Exception as error:  # noqa: BLE001 - the same one is expected of both
        return type(error), str(error)


def possible_names(room: Newsroom) -> list[str]:
    """Return names of all kinds: of articles, of joined addresses, ambiguous and unknown ones."""
    rows = room.rows("SELECT DISTINCT o.origin, o.public_id FROM origin o ORDER BY o.origin")
    names = [value for row in rows for value in (row["origin"], row["public_id"])]
    names += [name[:8] for name in names] + [name.rpartition("/")[2] for name in names]
    names += [str(path) for path in sorted(room.folder.iterdir())] + ["nothing", "a@b@3", ""]
    return sorted({*names, *(name.removeprefix("https://") for name in names)})


def compare_answers(room: Newsroom, times: list[float], names: list[str]) -> int:
    """Compare each answer about one article with that of the whole archive; return how many exist."""
    found = 0
    for at in times:
        with open_archive(room.url) as today:
            whole = today.with_clocks(known_at=hour(at))
            list(whole.articles(limit=1))  # from now on it has the knowledge about all articles
            for name in names:
                narrow = today.with_clocks(known_at=hour(at))
                assert narrow.narrow_to(name) is not narrow
                assert whole.narrow_to(name) is whole
                for question, ask in ANSWERS.items():
                    expected = answer(ask, whole, name)
                    assert answer(ask, narrow, name) == expected, (at, name, question)
                    found += not isinstance(expected, tuple)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    "chosen", [0, *(pytest.param(n, marks=pytest.mark.large) for n in range(1, 4))]
)
def test_knowledge_about_one_article_is_part_of_the_whole(room, chosen):
    chance = random.Random(chosen)
    for number in range(8):
        for _ in range(chance.randrange(1, 3)):
            step(room, chance, number)
        room.scan(at=10 + number)
    names = possible_names(room)
    times = [9.0, *(10.0 + number for number in range(8))]
    assert any(each in name for each in NAMES for name in names)
    assert compare_answers(room, chance.sample(times, 2), chance.sample(names, 6))


@pytest.mark.slow
@pytest.mark.postgresql("large")
def test_knowledge_about_one_article_has_all_tables_of_the_record(room):
    fill_record(room)
    room.write("a.txt", seed("Pegel steigt", SENTENCES[1]))
    room.scan(3)
    room.write("url.md", page(SENTENCES[0], url="https://presse.example/b", observed_at=hour(-99)))
    room.scan(5)
    names = random.Random(0).sample(possible_names(room), 16)
    assert compare_answers(room, [2.0, 4.0], names)


@contextmanager
def counted_steps() -> Iterator[list[int]]:
    """Count the steps of SQLite's machine on connections that are opened meanwhile, in hundreds."""
    steps = [0]

    def count_step() -> None:
        steps[0] += 1

    def watch(connection: Any, _record: Any) -> None:
        connection.set_progress_handler(count_step, 100)

    event.listen(Engine, "connect", watch)
    try:
        yield steps
    finally:
        event.remove(Engine, "connect", watch)


ONE = "seed:presse/eins.txt"


@pytest.mark.parametrize("question", ANSWERS)
def test_knowledge_about_one_article_costs_what_the_article_has(grown_rooms, question):
    costs = []
    for room in grown_rooms:
        with counted_steps() as steps, open_archive(room.url) as today, suppress(NoSuchError):
            ANSWERS[question](today.with_clocks(known_at=hour(15)), ONE)
        costs.append(steps[0])
    small, large = costs
    assert large < 1.2 * small, costs


@pytest.fixture(scope="module")
def grown_rooms(tmp_path_factory) -> Iterator[list[Newsroom]]:
    """Give two archives with the same article, one of them with sixteen times as many others."""
    rooms = []
    for others in (5, 80):
        folder = tmp_path_factory.mktemp(f"room{others}")
        room = Newsroom(f"sqlite:///{folder / 'lesart.sqlite3'}", folder)
        for at in (10, 20):
            text = SENTENCES[at == 20]
            room.write("eins.txt", seed("Pegel", text))
            for number in range(others):
                stand = f"Am Ort {number} steht das Wasser bei {number * at} Metern."
                room.write(f"{number}.txt", seed(f"Ort {number}", stand))
            room.scan(at)
        rooms.append(room)
    yield rooms
    for room in rooms:
        room.close()
