"""Two days of a site with walls, errors and edits: every edit is reported once, and no other."""

import pytest

from storage.capabilities.alert_sending import manage
from storage.capabilities.alert_sending import store as matching
from storage.history.alerts.rule import AlertRule
from tests.capabilities.unconfirmed.pages import (
    CONSENT,
    DAMM,
    EXPIRED,
    LOG_IN,
    NIGHT,
    REWRITTEN,
    article,
)
from tests.flow.driver import START
from tests.web.conftest import desk  # noqa: F401 -- fixture
from tests.web.site import Reply

SITE = "https://zeitung.example"
OTHER = "https://bote.example/hafen"
TEXTS = {
    f"{SITE}/damm": DAMM,
    f"{SITE}/rat": (
        "Der Rat der Stadt hat am Montag 14 Stellen im Bauamt gestrichen, um Geld zu sparen.",
        "Die Leiterin des Amtes warnte, dass Anträge künftig länger liegen bleiben als heute.",
    ),
    f"{SITE}/schule": (
        "Die Gesamtschule bekommt nach den Ferien 6 neue Räume, die Eltern gestrichen haben.",
        "Die Direktorin dankte den Helfern und lud sie für Samstag zu einem Fest im Hof ein.",
    ),
    OTHER: (
        "Im Hafen liegen seit Dienstag 3 alte Fähren, die im Winter verschrottet werden sollen.",
        "Ein Verein möchte eine davon retten und als Museum am alten Kai herrichten lassen.",
    ),
}
EDITS = {
    f"{SITE}/damm": ((2.0, "36", "63"), (20.0, "2,4", "4,2")),
    f"{SITE}/rat": ((9.0, "14", "41"),),
    OTHER: ((12.0, "3 alte", "8 alte"),),
}
"""The hour of each edit, and the words that it changes."""
REWRITE = (30.0, f"{SITE}/schule")


def shown(address: str, at: float) -> str:
    """Return the page that an address shows at an hour."""
    host = address.split("/")[2]
    if host == "bote.example" and at >= 26:
        return EXPIRED
    if host == "zeitung.example" and 3 <= at < 3.2:
        return CONSENT
    if host == "zeitung.example" and 15 <= at < 19:
        return NIGHT
    if address.endswith("/rat") and any(each <= at < each + 0.4 for each in (22, 23, 24, 40)):
        return LOG_IN
    if address == REWRITE[1] and at >= REWRITE[0]:
        return REWRITTEN
    paragraphs = TEXTS[address]
    for hour, old, new in EDITS.get(address, ()):
        if at >= hour:
            paragraphs = tuple(each.replace(old, new) for each in paragraphs)
    return article(f"Nachricht aus {address[-4:]}", paragraphs)


@pytest.mark.slow
def test_every_edit_is_reported_once_and_nothing_else(desk):  # noqa: F811
    for address in TEXTS:

        def answer(_request, address=address) -> Reply:
            return Reply(shown(address, (desk.now - START).total_seconds() / 3600).encode())

        desk.web.put(address, answer)
        desk.watch_page(address)
    desk.due(at=1)
    webhook = (("webhook", "https://hook.example/a"),)
    desk.archive.transact(manage.add, "alle", AlertRule(), webhook)
    reported = 0
    for step in range(4 * 48):
        at = 1 + step / 4
        desk.due(at=at)
        if at in {3.0, 15.25, 22.25, 26.25, 27.0}:
            desk.fetch(*TEXTS, at=at + 0.01)
        reported += matching.match(desk.archive.engine, desk.archive.clock)
    desk.fetch(*TEXTS, at=49.5)
    reported += matching.match(desk.archive.engine, desk.archive.clock)
    found = desk.rows(
        "SELECT a.origin, count(*) AS n FROM versions v JOIN articles a ON a.article = v.article "
        "GROUP BY a.origin"
    )
    expected = {address: 1 + len(EDITS.get(address, ())) for address in TEXTS}
    expected[REWRITE[1]] += 1
    assert {row["origin"]: row["n"] for row in found} == expected
    assert reported == sum(expected.values()) - len(TEXTS)
    assert (
        desk.rows(
            "SELECT * FROM observations WHERE outcome = 'gone' AND origin NOT LIKE '%robots.txt'"
        )
        == []
    )
    states = desk.rows("SELECT DISTINCT state FROM articles")
    assert [row["state"] for row in states] == ["present"]
    open_ones = desk.rows("SELECT origin, grade FROM unconfirmed WHERE decision IS NULL")
    assert [(row["origin"], row["grade"]) for row in open_ones] == [(OTHER, "wall")]
