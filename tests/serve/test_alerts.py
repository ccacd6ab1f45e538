"""The page tells of alerts and of what became of each message, and never where it goes."""

from storage.alerts import keep
from storage.alerts.match import match
from storage.alerts.rule import AlertRule
from storage.write.archive import Archive
from tests.cli.small_archive import write_archive
from tests.serve.conftest import served


def test_the_page_shows_rules_and_deliveries_but_no_address_and_no_key(tmp_path):
    url = f"sqlite:///{tmp_path / 'lesart.sqlite3'}"
    with Archive.open(url) as archive:
        engine, clock = archive.engine, archive.clock
        rule = AlertRule(query='Pegel -"<script>"', languages=("de",))
        made = keep.add(engine, clock, "hafen", rule, [("webhook", "https://hook.example/geheim")])
        write_archive(archive)
        assert match(engine, clock) == 3
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


def test_without_an_alert_the_page_says_how_to_make_one(client):
    assert "lesart alert add" in client.get("/alerts").text
