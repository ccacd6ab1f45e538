"""The page shows alerts and the state of each message, and never its receiver."""

from storage.capabilities.alert_sending import manage
from storage.capabilities.alert_sending.store import match
from storage.history.alerts import lists
from storage.history.alerts.rule import AlertRule
from storage.read.archive import open_archive
from storage.write.archive import Archive
from tests.cli.small_archive import write_archive
from tests.serve.conftest import served


def test_the_page_shows_rules_and_deliveries_but_no_address_and_no_key(tmp_path):
    url = f"sqlite:///{tmp_path / 'lesart.sqlite3'}"
    with Archive.open(url) as archive:
        rule = AlertRule(query='Pegel -"<script>"', languages=("de",))
        made = archive.transact(
            manage.add, "hafen", rule, [("webhook", "https://hook.example/geheim")]
        )
        write_archive(archive)
        assert match(archive.engine, archive.clock) == 3
    with served(url) as client:
        found = client.get("/alerts?lang=de")
        assert found.status_code == 200
        assert found.text.count("wartet") == 4  # the count, and a row each
        assert "&lt;script&gt;" in found.text
        assert "geheim" not in found.text
        assert made["https://hook.example/geheim"] not in found.text
        assert (
            'lesart_alert_deliveries{alert="hafen",state="waiting"} 3.0'
            in client.get("/metrics").text
        )
        assert client.get("/alerts?limit=1").text.count("<tr>") == 2
        assert found.text.count('<span class="outlet">seeds:</span>') == 3
        assert found.text.count(">Der Damm hält</a>") == 3
        told = client.get("/api/alerts")
        assert "geheim" not in told.text
        (alert,) = told.json()["items"]
        assert (alert["alert"], alert["rule"]) == ("hafen", {"query": 'Pegel -"<script>"'})
        assert alert["deliveries"]["waiting"] == 3


def test_deliveries_are_reported_as_the_log_has_them_part_by_part(database_url):
    with Archive.open(database_url) as archive:
        hook = ("webhook", "https://hook.example/geheim")
        archive.transact(manage.add, "alle", AlertRule(classes=("first",)), [hook])
        write_archive(archive)
        match(archive.engine, archive.clock)
    with open_archive(database_url) as archive, archive.connect() as connection:
        expected = [each.to_dict() for each in lists.deliveries(connection)]
    assert len(expected) >= 2
    with served(database_url) as client:
        path = "/api/alerts/deliveries"
        first = client.get(path, params={"alert": "alle", "limit": 1}).json()
        rest = client.get(path, params={"alert": "alle", "after": first["next"]}).json()
        assert [*first["items"], *rest["items"]] == expected
        assert client.get(path, params={"state": "dead"}).json() == {"items": [], "next": None}
        assert client.get(path, params={"alert": "keiner"}).status_code == 404
        assert client.get(path, params={"state": "lost"}).status_code == 400


def test_without_an_alert_the_page_says_how_to_make_one(client):
    assert "lesart alert add" in client.get("/alerts").text
