"""A page that a browser reads has a screenshot, which goes with its text."""

import io
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from storage.language.passage import Passage
from storage.values.redaction import RedactionReason
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_passage
from tests.serve.conftest import served
from tests.web.desk import HIGHER, PEGEL, A, desk_at
from tests.web.site import Reply, page
from worker.capabilities.browser_pages.browser import PROGRAM
from worker.cli.redactions import prepare_reading

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(PROGRAM).exists(), reason="there is no Chromium"),
]

NAMED = (*PEGEL, "Bürgermeisterin Jule Tamm dankte am Abend den vielen freiwilligen Helfern.")


@pytest.fixture
def desk(database_url, tmp_path):
    with desk_at(database_url, tmp_path, fetch_seconds="20s") as found:
        yield found


def test_each_version_has_a_screenshot_until_a_passage_of_it_is_redacted(desk):
    desk.web.put(A, Reply(page("Pegel steigt", NAMED)))
    source = desk.watch_page(A, kind="page", options={"browser": "always"})
    desk.due(0)
    desk.look(source, 1)
    desk.web.put(A, Reply(page("Pegel steigt", HIGHER)))
    desk.look(source, 2)
    first, second = desk.rows("SELECT * FROM pictures ORDER BY id")
    assert [(row["event"], row["version"]) for row in (first, second)] == [
        ("screenshot", 1), ("screenshot", 2),
    ]  # fmt: skip
    thumbnails: list[str] = []
    with served(desk.url) as client:
        answer = client.get(f"/a/{first['article']}/pictures/{first['id']}")
        shown = Image.open(io.BytesIO(answer.content))
        assert (shown.format, shown.size) == ("JPEG", (first["width"], first["height"]))
        assert len(answer.content) <= 300_000
        assert sha256(answer.content).hexdigest() == first["digest"]
        listed = client.get(f"/a/{first['article']}/pictures", headers={"accept": "text/html"})
        assert "screenshot of the whole page" in listed.text
        checks = client.get(f"/a/{first['article']}/checks", headers={"accept": "text/html"})
        for address in (f"/a/{first['article']}/pictures/{each['id']}" for each in (first, second)):
            for shown_page in (listed.text, checks.text):
                assert f'href="{address}"' in shown_page
                assert f'src="{address}?thumbnail=' in shown_page
                assert f'src="{address}"' not in shown_page
            small = client.get(address, params={"thumbnail": "true"})
            picture = Image.open(io.BytesIO(small.content))
            assert (picture.format, picture.width) == ("WEBP", 240)
            assert len(small.content) <= 15_000
            thumbnails.append(sha256(small.content).hexdigest())
    (article,) = desk.rows("SELECT id FROM article")
    redact_passage(
        desk.archive, [RedactionTarget(article["id"])], Passage.parse("Jule Tamm"),
        RedactionReason.COURT_ORDER, "ada", prepare_reading,
    )  # fmt: skip
    assert [row["id"] for row in desk.rows("SELECT id FROM pictures")] == [second["id"]]
    digests = desk.rows("SELECT digest FROM capture WHERE data IS NOT NULL")
    held = {bytes(row["digest"]).hex() for row in digests}
    assert (first["digest"] in held, second["digest"] in held) == (False, True)
    assert [each in held for each in thumbnails] == [False, True]
    desk.web.put(A, Reply(page("Pegel steigt", NAMED)))
    desk.look(source, 3)
    assert [row["id"] for row in desk.rows("SELECT id FROM pictures")] == [second["id"]]
    assert desk.number("SELECT count(*) FROM article_picture WHERE address IS NOT NULL") == 2
