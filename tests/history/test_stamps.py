"""A stamp in invisible characters makes no version in any format."""

import pytest

from tests.flow.driver import Newsroom, page

BODY = (
    "Der Deich in Lohetal hält, sagte die Wehr am Montag.\n\nDas Wasser steigt seit dem frühen Morgen "
    "weiter, und am Abend kommt die nächste Flut."
)
STAMP = "\ufeff" + "".join(chr(0xFE00 + byte % 16) for byte in range(64))
HTML = (
    "<html lang=de><head><title>Deich</title></head><body><article><h1>Der Deich hält</h1>"
    "<p>{}</p></article></body></html>"
)


def written(room: Newsroom, kind: str, body: str) -> None:
    if kind == "html":
        room.write("deich.html", HTML.format(body.replace("\n\n", "</p><p>")))
    else:
        room.write("deich.md", page(body, url="https://bote.example/deich", title="Der Deich hält"))


@pytest.mark.parametrize("kind", ["md", "html"])
def test_a_stamp_that_comes_and_goes_makes_no_version(room: Newsroom, kind: str) -> None:
    for at, body in enumerate((BODY, BODY + STAMP, BODY[:9] + STAMP + BODY[9:], BODY)):
        written(room, kind, body)
        room.scan(at)
    assert len(room.versions()) == 1
