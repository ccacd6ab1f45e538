"""Mails are whole, known again by their id, and nothing of an article acts in them."""

import re
import time
from datetime import datetime

import lxml.html
import pytest
from sqlalchemy import text

from storage.values.net.mail_server import read_mail_server
from tests.alerts.receivers import dripping, mailing
from tests.capabilities.alert_sending.conftest import pegel, send, settings_for
from tests.pauses import without_pauses
from tests.read.press import draft
from tests.serve.hostile import payloads
from tests.serve.test_words import english_of
from worker.capabilities.alert_sending import mail as mailing_out
from worker.capabilities.alert_sending import work as sending

ADA = ("mail", "ada@bote.example")
HARMLESS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "h1",
    "h2",
    "h3",
    "p",
    "a",
    "ins",
    "del",
}


def html_of(mail) -> str:
    return mail.get_body(("html",)).get_content()


def text_of(mail) -> str:
    return mail.get_body(("plain",)).get_content()


def test_a_mail_shows_the_change_in_text_and_html_and_states_that_a_program_wrote_it(press):
    press.scan(0, pegel=pegel(3))
    with mailing() as box:
        press.alert("hafen", ADA, classes=("number",))
        press.scan(1, pegel=pegel(36))
        assert send(press, settings_for(press, mail_url=box.url)) == 1
    (mail,) = box.mails
    assert box.users == [b"bote:geheim@"]
    assert (mail["To"], mail["From"]) == ("ada@bote.example", "Lesart <lesart@bote.example>")
    assert mail["Subject"] == "[Lesart] hafen: Der Damm hält"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"] == "Lesart alert hafen <hafen.alerts.bote.example>"
    assert re.fullmatch(r"<msg_[0-9a-f]{12}_\d+@bote\.example>", mail["Message-ID"])
    assert "[-3-]{+36+} Zentimeter" in text_of(mail).replace("\n", " ")
    for told in (text_of(mail), html_of(mail)):
        assert "Reason: number" in told
        assert "between 2024-06-18 00:00 UTC and 2024-06-18 01:00 UTC" in told
    assert "<del>3</del> <ins>36</ins>" in html_of(mail)


def test_where_the_page_is_german_mails_are(press):
    press.scan(0, pegel=pegel(3), damm=pegel(3, title="Damm"))
    with mailing() as box:
        press.alert(
            "hafen", ADA, classes=("number",), query="Zentimeter", language="de", languages=("de",)
        )
        press.scan(1, pegel=pegel(36), damm=pegel(36, title="Damm"))
        send(press, settings_for(press, mail_url=box.url, page_language="de"))
    (mail,) = box.mails
    assert mail["Subject"] == "[Lesart] hafen: 2 Änderungen"
    assert '<html lang="de">' in html_of(mail)
    assert english_of(html_of(mail)) == []
    for told in (text_of(mail), html_of(mail)):
        assert "zwischen 18.06.2024 00:00 UTC und 18.06.2024 01:00 UTC" in told
        assert "Grund: Zahl, Sprache de, der Text enthält" in told
        assert "Gesendet von der Benachrichtigung hafen in Lesart: http" in told


def test_simultaneous_steps_share_one_mail_with_a_row_for_each(press):
    names = [f"t{number}" for number in range(7)]
    press.scan(0, **{name: pegel(3, title=name) for name in names})
    with mailing() as box:
        press.alert("hafen", ADA)
        press.scan(1, **{name: pegel(36, title=name) for name in names})
        send(press, settings_for(press, mail_url=box.url))
    (mail,) = box.mails
    assert mail["Subject"] == "[Lesart] hafen: 7 changes"
    assert [name for name in names if name in text_of(mail)] == names
    log = press.log()
    assert [each.state for each in log] == ["sent"] * 7
    assert len({each.message for each in log}) == 1


def test_a_digest_waits_for_its_hour_and_has_all_of_the_day(press):
    press.scan(0, a=pegel(3, title="a"), b=pegel(3, title="b"))
    with mailing() as box:
        press.alert("hafen", ADA, daily_at="07:00")
        press.scan(1, a=pegel(36, title="a"))
        press.match()
        press.scan(2, b=pegel(36, title="b"))
        press.match()
        assert {each.next_at for each in press.log()} == {
            datetime.fromisoformat("2024-06-18T07:00Z")
        }
        with press.archive.engine.begin() as connection:
            tomorrow = {"at": time.time() + 86_400}
            connection.execute(text("UPDATE alert_delivery SET next_at = :at"), tomorrow)
        settings = settings_for(press, mail_url=box.url)
        assert sending.work(press.archive, settings) == 0
        with press.archive.engine.begin() as connection:
            connection.execute(text("UPDATE alert_delivery SET next_at = 0"))
        assert sending.work(press.archive, settings) == 1
    assert len(box.mails) == 1


def test_a_mail_that_failed_goes_again_under_its_id_and_later_steps_in_another(press):
    press.scan(0, a=pegel(3, title="a"), b=pegel(3, title="b"))
    with mailing() as box:
        press.alert("hafen", ADA)
        press.scan(1, a=pegel(36, title="a"))
        box.refusal = "451 later, please"
        settings = settings_for(press, mail_url=box.url)
        with without_pauses():
            sending.work(press.archive, settings, is_over=_once())
        (failed,) = press.log()
        assert (failed.state, failed.note) == (
            "failed",
            "The mail server refused the recipient: 451 later, please",
        )
        box.refusal = None
        press.scan(2, b=pegel(36, title="b"))
        assert send(press, settings) == 2
    assert [each["Subject"].rpartition(" ")[2] for each in box.mails] == ["a", "b"]
    assert str(failed.message) in box.mails[0]["Message-ID"]


def test_a_mailbox_that_is_none_is_given_up(press):
    press.scan(0, a=pegel(3))
    with mailing() as box:
        box.refusal = "550 no such mailbox"
        press.alert("hafen", ADA)
        press.scan(1, a=pegel(36))
        sending.work(press.archive, settings_for(press, mail_url=box.url))
    assert (press.log()[0].state, press.log()[0].note) == (
        "dead",
        "The mail server refused the recipient: 550 no such mailbox",
    )


@pytest.mark.parametrize("url", [None, "smtp://127.0.0.1:9/?from=lesart@bote.example"])
def test_without_a_mail_server_a_mail_waits_and_says_so(press, url):
    press.scan(0, a=pegel(3))
    press.alert("hafen", ADA)
    press.scan(1, a=pegel(36))
    sending.work(press.archive, settings_for(press, **({"mail_url": url} if url else {})))
    (waiting,) = press.log()
    assert waiting.state == "failed"
    assert ("LESART_MAIL_URL" if url is None else "refused") in waiting.note


def test_a_watched_quotation_is_sent_with_its_replacement(press):
    press.scan(0, a=draft("Pegel", "Die Leiterin sagte, sie habe alles im Griff."))
    with mailing() as box:
        press.alert("hafen", ADA, passage="sie habe alles im Griff")
        press.scan(1, a=draft("Pegel", "Die Leiterin sagte, sie habe fast alles im Griff."))
        send(press, settings_for(press, mail_url=box.url))
    told = " ".join(text_of(box.mails[0]).split())
    assert "the passage is no longer in the text" in told
    assert "current text: Die Leiterin sagte, sie habe fast alles im Griff." in told


@pytest.mark.slow
def test_nothing_of_a_hostile_text_acts_in_a_mail(press):
    found = list(payloads())[::3]
    before = {
        f"t{number}": draft(each, f"Vorher. {each}", "Zwei.") for number, each in enumerate(found)
    }
    after = {
        f"t{number}": draft(f"{each} neu", f"Nachher: {each}", "Drei.")
        for number, each in enumerate(found)
    }
    press.scan(0, **before)
    with mailing() as box:
        press.alert("hafen", ADA)
        press.scan(1, **after)
        send(press, settings_for(press, mail_url=box.url))
    assert sum(each.state == "sent" for each in press.log()) >= len(found) - 5
    for mail in box.mails:
        page = lxml.html.document_fromstring(html_of(mail))
        assert {each.tag for each in page.iter()} <= HARMLESS
        for each in page.iter():
            assert {*each.attrib} <= {"href", "class", "lang", "charset"}
            assert (
                each.get("href", "http://127.0.0.1:8790/").startswith("http://127.0.0.1:8790/a")
                or "href" not in each.attrib
            )
        assert not {*text_of(mail)} & {"\x1b", "\u202e", "\x00", "\u200b"}


@pytest.mark.parametrize(
    "url", ["http://a/?from=a@b.example", "smtp://a", "smtp:///?from=a@b.example", "smtp://a/?from=b",
            "smtp://a/?from=a@b.example&tls=no"],
)  # fmt: skip
def test_a_mail_server_that_is_none_stops_the_start(url):
    with pytest.raises(ValueError, match=r"write smtp|must end in"):
        read_mail_server(url)


def _once():
    asked = []
    return lambda: bool(asked) or asked.append(1)


@pytest.mark.slow
@pytest.mark.few_cases
@pytest.mark.parametrize("greeting", [b"", b"220 ", b"220 bote.example\r\n250-"])
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_mail_server_that_drips_holds_no_one_beyond_the_deadline(
    press, monkeypatch, greeting, scheme
):
    monkeypatch.setattr(mailing_out, "SECONDS", 2.0)
    press.scan(0, pegel=pegel(3))
    press.alert("hafen", ADA)
    press.scan(1, pegel=pegel(36))
    with dripping(greeting) as port:
        url = f"{scheme}://127.0.0.1:{port}/?from=lesart@bote.example"
        began = time.monotonic()
        assert sending.work(press.archive, settings_for(press, mail_url=url)) == 0
    assert time.monotonic() - began < 60
    (delivery,) = press.log()
    assert delivery.state == "failed"
