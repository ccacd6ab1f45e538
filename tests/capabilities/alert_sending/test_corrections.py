"""A change that was reported and turns out to be a wall is withdrawn, and each receiver learns it."""

import json
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import text

from storage.capabilities.alert_sending import manage
from storage.capabilities.alert_sending.store import match
from storage.history.alerts.rule import AlertRule
from storage.read.archive import open_archive
from tests.alerts.receivers import mailing, receiving
from tests.capabilities.alert_sending.conftest import send, settings_for
from tests.capabilities.alert_sending.test_mail import html_of, text_of
from tests.capabilities.unconfirmed.pages import (
    ADDRESS,
    BARE_NOTE,
    FIRST,
    NIGHT,
    REWRITTEN,
    article,
)
from tests.flow.processes import lesart, rows
from tests.serve.conftest import served
from tests.web.conftest import desk  # noqa: F401 -- fixture
from tests.web.site import Reply
from tests.write.follower import FeedReader
from worker.capabilities.alert_sending.work import work

OTHER = "https://zeitung.example/lokales/pegel"
PEGEL = article(
    "Pegel steigt",
    (
        "Am Pegel der Lohe fehlen noch vier Handbreit bis zur Marke, ab der die Feuerwehr wacht.",
        "Landwirte brachten ihre Schafe am Sonntag vorsichtshalber auf höher gelegene Wiesen.",
    ),
)
TITLE = "In eigener Sache: Artikel zurückgezogen"


def see(desk, at: float, content: str, address: str = ADDRESS) -> None:  # noqa: F811
    desk.web.put(address, Reply(content.encode()))
    desk.fetch(address, at=at)


def watch(desk, *targets: tuple[str, str], **rule) -> None:  # noqa: F811
    desk.archive.transact(manage.add, "damm", AlertRule(**rule), targets)


def dismiss(desk) -> None:  # noqa: F811
    there = ("--archive", desk.url)
    (row,) = rows(desk.root, "unconfirmed", *there)
    assert row["decision"] == "confirmed"
    rows(desk.root, "dismiss", ADDRESS, "--wording", row["wording"], "--by", "ada", *there)


def show_elsewhere(desk) -> None:  # noqa: F811
    """Show the same text at another address of the site that had another one."""
    see(desk, 5, PEGEL, OTHER)
    see(desk, 6, REWRITTEN, OTHER)


DISCOVERIES = {"a person dismisses it": dismiss, "another address shows it": show_elsewhere}


@pytest.mark.parametrize("discover", DISCOVERIES.values(), ids=DISCOVERIES.keys())
def test_each_receiver_gets_a_correction_that_names_the_change(desk, discover):  # noqa: F811
    see(desk, 1, FIRST)
    reader = FeedReader()
    with receiving() as receiver, mailing() as box, open_archive(desk.url) as archive:
        settings = settings_for(desk, receiver, mail_url=box.url)
        watch(
            desk, ("webhook", receiver.url), ("mail", "ada@bote.example"), article=article_id(desk)
        )
        see(desk, 2, REWRITTEN)
        see(desk, 3, REWRITTEN)
        assert send(desk, settings) == 2
        assert [row["kind"] for row in reader.poll(archive)] == ["change"]
        discover(desk)
        assert send(desk, settings) == 2
        assert send(desk, settings) == 0
        events = [row for row in reader.poll(archive) if row["title"] == TITLE]
    assert [row["kind"] for row in events] == ["withdrawn"]
    reported, corrected = receiver.bodies
    assert (reported["type"], corrected["type"]) == ("change", "withdrawn")
    assert corrected["data"]["corrects"] == receiver.requests[0][0]["webhook-id"]
    same = ("alert", "article", "wording", "occurrence", "title", "changed_by", "origin", "source")
    assert {n: reported["data"][n] for n in same} == {n: corrected["data"][n] for n in same}
    assert (corrected["data"]["added"], corrected["data"]["changes"]) == ([], [])
    first, second = box.mails
    assert second["Subject"] == f"[Lesart] damm: Correction: {TITLE}"
    assert second["References"] == first["Message-ID"] != second["Message-ID"]
    for shown in (text_of(second), html_of(second)):
        assert "reported a change of this article that did not happen" in shown.replace("\n", " ")
    log = rows(desk.root, "alert", "log", "damm", "--archive", desk.url)
    assert sorted((row["channel"], row["kind"], row["state"]) for row in log) == [
        (channel, kind, "sent")
        for channel in ("mail", "webhook")
        for kind in ("change", "withdrawn")
    ]


def article_id(desk) -> str:  # noqa: F811
    return desk.one("SELECT article FROM articles ORDER BY first_seen")["article"]


@pytest.mark.slow
def test_feeds_show_the_withdrawal_under_the_id_of_the_change(desk):  # noqa: F811
    see(desk, 1, FIRST)
    see(desk, 2, REWRITTEN)
    see(desk, 3, REWRITTEN)
    before = entries(desk)
    with served(desk.url) as client:
        listed = client.get("/api/changes").json()["items"]
    assert [each["id"] for each in before] == [
        "urn:lesart:{article}:{wording}:{occurrence}".format(**row) for row in listed
    ]
    dismiss(desk)
    after = entries(desk)
    assert [each["id"] for each in after] == [each["id"] for each in before]
    assert after[0]["title"] == f"Correction: {TITLE}"
    assert after[0]["updated"] > before[0]["updated"]
    there = ("--archive", desk.url)
    assert lesart(desk.root, "dismiss", ADDRESS, "--undo", *there).returncode == 0
    assert [each["title"] for each in entries(desk)] == [TITLE]


def entries(desk) -> list[dict[str, str]]:  # noqa: F811
    """Return the entries of the Atom feed, which are those of the JSON feed."""
    with served(desk.url) as client:
        root = ET.fromstring(client.get("/feed.atom").content)
        listed = json.loads(client.get("/feed.json").content)["items"]
    name = "{http://www.w3.org/2005/Atom}"
    found = [
        {part: entry.findtext(name + part) for part in ("id", "title", "updated")}
        for entry in root.iter(f"{name}entry")
    ]
    assert [(each["id"], each["title"]) for each in listed] == [
        (each["id"], each["title"]) for each in found
    ]
    return found


def test_a_new_article_that_turns_out_to_be_a_wall_is_corrected(desk):  # noqa: F811
    see(desk, 1, PEGEL, "https://bote.example/pegel")
    there = ("--archive", desk.url)
    with receiving() as receiver:
        settings = settings_for(desk, receiver)
        watch(desk, ("webhook", receiver.url), classes=("first",))
        see(desk, 2, BARE_NOTE)
        assert lesart(desk.root, "confirm", ADDRESS, *there).returncode == 0
        assert send(desk, settings) == 1
        assert lesart(desk.root, "confirm", ADDRESS, "--undo", *there).returncode == 0
        assert send(desk, settings) == 1
    assert [body["type"] for body in receiver.bodies] == ["change", "withdrawn"]
    assert receiver.bodies[0]["data"]["changed_by"] == receiver.bodies[1]["data"]["changed_by"]


@pytest.mark.slow
def test_a_change_that_exists_again_is_reported_again_and_corrected_again(desk):  # noqa: F811
    see(desk, 1, FIRST)
    there = ("--archive", desk.url)
    with receiving() as receiver:
        settings = settings_for(desk, receiver)
        watch(desk, ("webhook", receiver.url))
        see(desk, 2, REWRITTEN)
        see(desk, 3, REWRITTEN)
        send(desk, settings)
        for _turn in range(2):
            dismiss(desk)
            send(desk, settings)
            assert lesart(desk.root, "dismiss", ADDRESS, "--undo", *there).returncode == 0
            send(desk, settings)
    types = [body["type"] for body in receiver.bodies]
    assert types == ["change", "withdrawn", "change", "withdrawn", "change"]
    assert len(set(receiver.accepted)) == 5
    assert [body["data"].get("corrects") for body in receiver.bodies[1:4:2]] == receiver.accepted[
        0:4:2
    ]


@pytest.mark.parametrize("script", [lambda: None, lambda: "500"], ids=["never tried", "failed"])
def test_a_message_that_was_not_sent_is_not_corrected(desk, script):  # noqa: F811
    see(desk, 1, FIRST)
    with receiving(script) as receiver:
        settings = settings_for(desk, receiver)
        watch(desk, ("webhook", receiver.url))
        see(desk, 2, REWRITTEN)
        see(desk, 3, REWRITTEN)
        assert match(desk.archive.engine, desk.archive.clock) == 1
        if script() is not None:
            work(desk.archive, settings)
        dismiss(desk)
        receiver.script = lambda: None
        with desk.archive.engine.begin() as connection:
            connection.execute(text("UPDATE alert_delivery SET next_at = 0 WHERE state = 'failed'"))
        assert send(desk, settings) == 0
    log = rows(desk.root, "alert", "log", "damm", "--archive", desk.url)
    assert [(row["kind"], row["state"]) for row in log] == [
        ("withdrawn", "damped"),
        ("change", "damped"),
    ]


def test_a_change_that_happened_at_another_time_is_not_corrected(desk):  # noqa: F811
    see(desk, 1, FIRST)
    with receiving() as receiver:
        settings = settings_for(desk, receiver)
        watch(desk, ("webhook", receiver.url))
        see(desk, 3, NIGHT)
        see(desk, 4, REWRITTEN)
        see(desk, 5, REWRITTEN)
        assert send(desk, settings) == 1
        rows(
            desk.root, "confirm", ADDRESS, "--wording", wording_of_wall(desk), "--archive", desk.url
        )
        send(desk, settings)
        dismissed = ("dismiss", ADDRESS, "--wording", wording_of_wall(desk), "--archive", desk.url)
        rows(desk.root, *dismissed)
        send(desk, settings)
    told = [(body["type"], body["data"]["title"]) for body in receiver.bodies]
    assert told == [("change", TITLE), ("change", "Heute Nacht bauen wir um"),
                    ("withdrawn", "Heute Nacht bauen wir um")]  # fmt: skip


def wording_of_wall(desk) -> str:  # noqa: F811
    return desk.one("SELECT wording FROM unconfirmed WHERE grade = 'wall'")["wording"]
