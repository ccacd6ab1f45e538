"""An article is named by its id, the beginning of it, its address, or the file that it came in."""

from pathlib import Path

import pytest

from storage.read.archive import open_archive
from storage.read.find import ID_LETTERS
from storage.values.digest import origin_id
from storage.values.errors import AmbiguousError, NoSuchError
from tests.flow.driver import SENTENCES, lines, page, seed

A, B, *_ = SENTENCES


@pytest.fixture
def reading(room):
    """Give the archive of the room, opened for reading each time that it is asked."""
    with open_archive(room.url) as archive:
        yield archive


def test_a_file_names_its_article_by_any_of_its_paths(room, reading, monkeypatch):
    path = room.write("lokales/damm.txt", seed("Pegel", A))
    room.scan()
    article = reading.version("seed:presse/lokales/damm.txt").article
    monkeypatch.chdir(room.folder)
    spelled = [path, "lokales/damm.txt", "./lokales/../lokales/damm.txt", "damm.txt"]
    spelled += ["presse/lokales/damm.txt"]  # as the stack, whose folder is elsewhere, is asked
    assert {reading.version(str(each)).article for each in spelled} == {article}
    for wrong in ("amm.txt", "resse/lokales/damm.txt", "presse/damm.txt"):
        with pytest.raises(NoSuchError):
            reading.version(wrong)
    monkeypatch.chdir(room.folder / "lokales")
    assert reading.version("damm.txt@1").article == article
    assert [each.article for each in reading.history("../lokales/damm.txt")] == [article]


def test_versions_of_a_file_are_compared_by_its_path(room, reading, monkeypatch):
    path = room.write("damm.txt", seed("Pegel", A))
    room.scan(at=0)
    room.write("damm.txt", seed("Pegel", B))
    room.scan(at=1)
    found = reading.diff(f"{path}@1..@2")
    assert found == reading.diff("seed:presse/damm.txt@1", "seed:presse/damm.txt@2")
    monkeypatch.chdir(room.root)
    assert reading.diff("presse/damm.txt@1..@2") == found


def test_a_file_that_names_an_address_answers_by_its_path_too(room, reading):
    path = room.write("damm.md", page(A, url="https://lohebote.example/damm"))
    room.scan()
    assert reading.version(str(path)).origin == "https://lohebote.example/damm"


@pytest.mark.parametrize(
    "shown",
    [
        "https://bote.example/deich?id=7#kommentare",
        "https://bote.example/deich?utm_source=brief&id=7",
        "HTTPS://Bote.example:443/deich?id=7",
    ],
)
def test_an_address_names_its_article_however_a_browser_shows_it(shown, room, reading):
    room.write("deich.md", page(A, url="https://bote.example/deich?id=7"))
    room.scan()
    article = reading.version("https://bote.example/deich?id=7").article
    assert reading.version(shown).article == reading.version(f"{shown}@1").article == article
    assert [each.article for each in reading.history(shown)] == [article]
    with pytest.raises(NoSuchError):
        reading.version(shown.replace("id=7", "id=8"))


def test_a_file_that_belongs_to_no_source_answers_by_its_path(room, reading):
    path = room.write("damm.txt", seed("Pegel", A), room.root / "anderswo")
    room.ingest(f"../{path.parent.name}/damm.txt")
    assert reading.version(str(path)).origin == f"file://{path}"


@pytest.mark.parametrize(
    "name", ["Küche 7%.txt", "a\nb.txt", "damm#1.txt", "damm@2.txt", "alt.jsonl#7.txt"]
)
def test_odd_names_are_paths_too(room, reading, name):
    path = room.write(name, seed("Pegel", A))
    room.scan()
    if "\n" not in name:
        assert reading.version(str(path)).version == 1
    assert reading.article_row_id(str(path)) > 0


def test_a_packed_file_answers_by_its_own_name(room, reading):
    import gzip

    path = room.write("damm.txt.gz", gzip.compress(seed("Pegel", A).encode()))
    room.scan()
    assert reading.version(str(path)).origin == "seed:presse/damm.txt"


def test_a_file_of_one_record_is_its_article_and_one_of_several_is_ambiguous(room, reading):
    one = room.write("eine.jsonl", lines({"k7": A}))
    many = room.write("viele.jsonl", lines({"k1": A + " Eins.", "k2": B + " Zwei."}))
    room.scan()
    assert reading.version(str(one)).origin.endswith("eine.jsonl#k7")
    assert reading.version(f"{many}#k2").origin.endswith("viele.jsonl#k2")
    with pytest.raises(AmbiguousError) as caught:
        reading.version(str(many))
    assert len(caught.value.candidates) == 2


def test_the_beginning_of_an_id_names_its_article(room, reading):
    room.write("damm.txt", seed("Pegel", A))
    room.scan()
    article = reading.version("seed:presse/damm.txt").article
    for length in (6, 9, 15, 16):
        assert reading.version(article[:length]).article == article
        assert reading.version(f"{article[:length]}@1").article == article
    with pytest.raises(NoSuchError):
        reading.version(article[:5])


def colliding() -> tuple[str, str]:
    """Return two names of files whose origins have ids that begin alike."""
    met: dict[str, str] = {}
    for number in range(200_000):
        name = f"n{number}.txt"
        start = origin_id(f"seed:presse/{name}")[:6]
        if start in met:
            return met[start], name
        met[start] = name
    raise AssertionError("no two ids begin alike")


def test_a_beginning_that_two_ids_share_is_ambiguous_and_more_of_it_is_not(room, reading):
    first, second = colliding()
    room.write(first, seed("Pegel", A))
    room.write(second, seed("Wetter", B))
    room.scan()
    ids = sorted(origin_id(f"seed:presse/{name}") for name in (first, second))
    with pytest.raises(AmbiguousError) as caught:
        reading.version(ids[0][:6])
    assert list(caught.value.candidates) == ids
    assert [reading.version(each[:12]).article for each in ids] == ids


def test_an_exact_origin_wins_over_the_beginning_of_an_id(room, reading):
    room.write("damm.txt", seed("Pegel", A))
    room.scan()
    article = reading.version("seed:presse/damm.txt").article
    path = room.write("andere.txt", seed("Wetter", B))
    room.ingest("andere.txt", origin=article[:8], observed_at=room.now)
    assert reading.version(article[:8]).title == "Wetter"
    assert ID_LETTERS.issuperset(article)
    assert Path(path).exists()
