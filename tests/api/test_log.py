"""The log over HTTP: a client that has nothing but these addresses computes the signed root."""

import pytest

from storage.proof import checkpoints
from storage.proof.note import Checkpoint, Note
from storage.proof.tiles import tile_path, tree_of_tiles, width_of
from storage.proof.tree import leaf_hash, root
from tests.conftest import DIALECTS
from tests.flow.whole_record import KEY
from tests.proof.grown import entries_in, hashes_in
from tests.read.press import Press, draft
from tests.serve.conftest import emptied, served


@pytest.fixture(scope="module", params=DIALECTS)
def logged(request):
    """Give a client for the page of an archive whose log is longer than a tile, and signed."""
    with emptied(request) as url:
        press = Press(url)
        for at in (7, 8):
            press.scan(at, **{f"f{at}{n}": draft(f"F{n}", f"Satz {at} {n}.") for n in range(25)})
            checkpoints.make(press.archive.engine, press.archive.clock, KEY)
        press.close()
        with served(url) as client:
            yield client


def newest(client) -> Checkpoint:
    answer = client.get("/log/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "immutable" not in answer.headers["cache-control"]
    note = Note.parse(answer.content)
    note.require([KEY.verifier])
    return Checkpoint.parse(note.text)


def get(client, level: int | None, number: int, width: int) -> bytes:
    answer = client.get(f"/log/{tile_path(level, number, width)}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/octet-stream")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    return answer.content


def test_a_client_computes_the_signed_root_from_tiles_and_from_entries(logged):
    found = newest(logged)
    assert found.size > 256
    node = tree_of_tiles(lambda at, n: hashes_in(get(logged, at, n, width_of(at, n, found.size))))
    assert root(node, found.size) == found.root
    for number in (0, 1):
        width = width_of(None, number, found.size)
        entries = entries_in(get(logged, None, number, width))
        assert [leaf_hash(each) for each in entries] == hashes_in(get(logged, 0, number, width))


def test_a_tile_can_be_had_as_narrow_as_it_was_and_no_wider_than_it_is_signed(logged):
    found = newest(logged)
    assert get(logged, 0, 0, 256).startswith(get(logged, 0, 0, 7))
    width = width_of(0, 1, found.size)
    for path in (tile_path(0, 1, width + 1), tile_path(0, 1), tile_path(0, 9), tile_path(3, 0),
                 "tile/0/1", "tile/entries/x000/000", "tile/0/%2e%2e/checkpoint", "other"):  # fmt: skip
        assert logged.get(f"/log/{path}").status_code == 404, path


def test_an_archive_without_a_key_says_how_to_make_one(client):
    answer = client.get("/log/checkpoint")
    assert (answer.status_code, "lesart proof keygen" in answer.json()["detail"]) == (404, True)
    assert client.get("/log/tile/0/000").status_code == 404
