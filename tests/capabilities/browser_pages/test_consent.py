"""Requests for consent are rejected, never accepted; one that cannot be rejected makes no version."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from storage.language.passage import Passage
from storage.values.redaction import RedactionReason
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_passage
from tests.capabilities.browser_pages.consent_walls import BUILT, HELD_OUT, Wall
from tests.capabilities.browser_pages.test_bounds import survive
from tests.flow.processes import ROOT, lesart
from tests.serve.conftest import served
from tests.web.desk import HIGHER, PEGEL, A, desk_at
from tests.web.site import Reply, Web, page, simulated_web
from worker.address import Address, parse_address
from worker.capabilities.browser_pages.browser import PROGRAM
from worker.capabilities.browser_pages.page import RenderedPage, render_page
from worker.cli.redactions import prepare_reading
from worker.web.exchange import PersistentConnection, send_request
from worker.web.headers import create_network

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(PROGRAM).exists(), reason="there is no Chromium"),
]
SITE = "https://zeitung.example"
CHOICES = ("agreed", "rejected", "paid")


@pytest.fixture(scope="session")
def autoconsent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package as the container does: its version and digest are in the lock file."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("consent")
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(ROOT / "docker" / "consent" / name, folder / name)
    subprocess.run(
        ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=folder, check=True, timeout=300,
    )  # fmt: skip
    return folder / "node_modules" / "@duckduckgo" / "autoconsent"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as found:
        yield found


def put_wall(web: Web, wall: Wall, paragraphs: tuple[str, ...] = PEGEL) -> None:
    raw = page("Pegel steigt", paragraphs)
    web.put(A, Reply(raw.replace(b"</body>", wall.markup.encode() + b"</body>")))
    for address, markup in wall.frames.items():
        web.put(address, Reply(f"<!doctype html><meta charset=utf-8><body>{markup}".encode()))
    for choice in CHOICES:
        for site in (SITE, "https://cmp.example", "https://cmp.zeitung.example"):
            web.put(f"{site}/{choice}", Reply(b"ok"))


def rendered(web: Web, consent: Path | None) -> RenderedPage:
    network = create_network(tuple(web.allow_hosts().split(",")), web.ca_file)
    address = parse_address(A, network.is_own)
    assert isinstance(address, Address)
    kept = PersistentConnection(network)
    document = send_request(kept, address, [], seconds=10, max_bytes=10**7)
    kept.close()
    return render_page(document, network, "Lesart/0", max_bytes=10**7, consent=consent)


@pytest.mark.parametrize("name", [*BUILT, *HELD_OUT])
def test_a_wall_is_rejected_or_makes_no_version(web: Web, autoconsent: Path, name: str) -> None:
    wall = (BUILT | HELD_OUT)[name]
    put_wall(web, wall)
    found = rendered(web, autoconsent)
    pressed = [each.path.strip("/") for each in web.requests if each.path.strip("/") in CHOICES]
    assert pressed == ["rejected"] * (wall.outcome == "rejected")
    if wall.outcome == "refused":
        assert found.refused is not None
        assert found.refused.code == "consent_wall"
        assert found.html is None
        assert found.screenshot is not None
    else:
        assert found.html is not None, found.refused
        assert "3,6 Zentimeter" in found.html.decode()
        assert ("consent_rejected" in found.facts) is (wall.outcome == "rejected")


def test_a_flood_of_messages_to_the_console_takes_bounded_time_and_memory(
    web: Web, autoconsent: Path
) -> None:
    found = survive(web, "console without end", autoconsent)
    assert found.html is None or "3,6 Zentimeter" in found.html.decode()


def test_a_wall_between_two_edits_makes_no_version_and_has_a_screenshot(
    database_url: str, tmp_path: Path, autoconsent: Path
) -> None:
    with desk_at(database_url, tmp_path, fetch_seconds="30s", consent=str(autoconsent)) as desk:
        put_wall(desk.web, BUILT["onetrust"])
        source = desk.watch_page(A, kind="page", options={"browser": "always"})
        desk.due(0)
        put_wall(desk.web, BUILT["an unknown wall that asks for payment"], HIGHER)
        desk.look(source, 1)
        desk.look(source, 2)
        put_wall(desk.web, BUILT["onetrust"], HIGHER)
        desk.look(source, 3)
        assert desk.outcomes(A) == ["content", "blocked", "blocked", "content"]
        assert desk.codes() == ["consent_wall"] * 2
        assert desk.number("SELECT count(*) FROM versions") == 2
        hints = [
            str(row["hints"]) for row in desk.rows("SELECT hints FROM observation ORDER BY id")
        ]
        assert ["Onetrust" in each for each in hints if "browser" in each] == [True, True]
        first, wall, second = desk.rows("SELECT * FROM pictures ORDER BY id")
        assert [each["version"] for each in (first, wall, second)] == [1, None, 2]
        with served(desk.url) as client:
            answer = client.get(f"/a/{wall['article']}/pictures/{wall['id']}")
            assert answer.headers["content-type"] == "image/jpeg"
            for tab in ("pictures", "checks"):
                listed = client.get(f"/a/{wall['article']}/{tab}", headers={"accept": "text/html"})
                assert f"/a/{wall['article']}/pictures/{wall['id']}" in listed.text
            (article,) = desk.rows("SELECT id FROM article")
            target = [RedactionTarget(article["id"])]
            why = RedactionReason.COURT_ORDER
            passage = Passage.parse("nirgends gesagt")
            redact_passage(desk.archive, target, passage, why, "ada", prepare_reading)
            assert desk.number("SELECT count(*) FROM pictures") == 3
            passage = Passage.parse("36 Zentimeter")
            redact_passage(desk.archive, target, passage, why, "ada", prepare_reading)
            assert [each["id"] for each in desk.rows("SELECT id FROM pictures")] == [first["id"]]
            assert client.get(f"/a/{wall['article']}/pictures/{wall['id']}").status_code == 404
        digests = desk.rows("SELECT digest FROM capture WHERE data IS NOT NULL")
        assert wall["digest"] not in {bytes(each["digest"]).hex() for each in digests}
        put_wall(desk.web, BUILT["an unknown wall that asks for payment"], HIGHER)
        desk.look(source, 4)
        assert desk.outcomes(A)[-1] == "blocked"
        assert desk.number("SELECT count(*) FROM pictures") == 1
        given = {"database_url": desk.url}
        assert lesart(tmp_path, "verify", **given).returncode == 0
        done = lesart(tmp_path, "export", "--format", "warc", "--output", "all.warc.gz", **given)
        assert done.returncode == 0, done.stderr


def test_a_wall_of_an_address_without_article_has_its_screenshot_where_refusals_are(
    database_url: str, tmp_path: Path, autoconsent: Path
) -> None:
    with desk_at(database_url, tmp_path, fetch_seconds="30s", consent=str(autoconsent)) as desk:
        put_wall(desk.web, BUILT["an unknown wall that asks for payment"])
        desk.watch_page(A, kind="page", options={"browser": "always"})
        desk.due(0)
        assert (desk.codes(), desk.rows("SELECT * FROM articles")) == (["consent_wall"], [])
        with served(desk.url) as client:
            shown = client.get("/refusals", headers={"accept": "text/html"}).text
            address = f"/refusals/screenshot?address={quote(A, safe='')}"
            assert f'href="{address}"' in shown
            assert f'src="{address}&amp;thumbnail=1"' in shown
            whole, small = client.get(address), client.get(f"{address}&thumbnail=1")
            assert whole.headers["content-type"] == "image/jpeg"
            assert small.headers["content-type"] == "image/webp"
            assert len(small.content) <= 15_000
            other = client.get("/refusals/screenshot", params={"address": f"{A}/anders"})
            assert other.status_code == 404
            put_wall(desk.web, BUILT["onetrust"])
            desk.due(1000)
            assert client.get(address).content == whole.content
            words = ("redact", A, "--restrict", "--reason", "court_order", "--by", "ada", "--yes")
            done = lesart(tmp_path, *words, database_url=desk.url)
            assert done.returncode == 0, done.stdout + done.stderr
            assert client.get(address).status_code == 404


def test_doctor_states_whether_requests_for_consent_are_rejected(
    tmp_path: Path, autoconsent: Path
) -> None:
    lesart(tmp_path, "db", "upgrade")
    given = {"browser": PROGRAM}
    assert "LESART_CONSENT is not set" in lesart(tmp_path, "doctor", **given).stdout
    absent = lesart(tmp_path, "doctor", **given, consent=str(tmp_path))
    assert "is not the package autoconsent" in absent.stdout
    assert "npm package @duckduckgo/autoconsent" in absent.stdout
    there = lesart(tmp_path, "doctor", **given, consent=str(autoconsent))
    assert "requests for consent are rejected" in there.stdout
