"""Transfers are stored with their captures, certificates and bodies once each."""

import pytest

from storage.schedule import queue
from storage.values.arrivals.arrival import Arrival
from storage.values.digest import raw_digest
from storage.values.net.transfer import Transfer
from storage.write.store_captures import store_arrivals
from tests.flow.driver import START, hour, seed
from worker.flow.collect.folder import NO_STAMP

CHAIN = b"-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----\n"
BODY = b"\x1f\x8b packed as it came"


def transfer(**more) -> Transfer:
    return Transfer(
        address="https://zeitung.example/a", started_at=hour(1), chain=CHAIN, peer="192.0.2.7:443",
        hops=[{"address": "http://zeitung.example/a", "status": 301}],
        request={"method": "GET", "target": "/a", "headers": [["Host", "zeitung.example"]]},
        response_headers=[("Date", "Tue, 18 Jun 2024 07:00:00 GMT"), ("Via", "a"), ("Via", "b")],
        tls_version="TLSv1.3", body=BODY, body_encoding="gzip", **more,
    )  # fmt: skip


def captured(room, *texts: str) -> None:
    """Keep captures that were made elsewhere, each with its transfer."""
    with room.archive.unit() as unit:
        job = queue.add_job(unit, "ingest", "command", source_id=room.source.id)
    held = room.claimed(job)
    arrivals = []
    for number, text in enumerate(texts):
        raw = text.encode()
        place = f"seed:presse/{number}.txt"
        arrivals.append(
            Arrival(
                place=place, locator=place, path=f"{number}.txt", member="", stamp=NO_STAMP,
                observed_at=START, raw=raw, digest=raw_digest(raw), hints={"type": "seed"},
                transfer=transfer(is_foreign=True),
            )
        )  # fmt: skip
    store_arrivals(room.archive, held, room.source.id, arrivals)
    room.worked(job)


def test_a_transfer_is_kept_with_the_observation_that_it_brought(room):
    captured(room, seed("Pegel", "Der Pegel steigt."))
    row = room.one(
        "SELECT t.*, o.outcome FROM transfer t JOIN observation o ON o.id = t.observation_id"
    )
    assert row["outcome"] == "captured"
    assert row["response_headers"][1:] == [["Via", "a"], ["Via", "b"]]
    assert row["hops"] == [{"address": "http://zeitung.example/a", "status": 301}]
    assert row["request"]["headers"] == [["Host", "zeitung.example"]]
    assert row["tls_version"] == "TLSv1.3"


def test_a_body_as_it_came_is_kept_next_to_the_capture(room):
    captured(room, seed("Pegel", "Der Pegel steigt."))
    row = room.one(
        "SELECT c.size, c.digest FROM transfer t JOIN capture c ON c.id = t.body_capture_id"
    )
    assert (row["size"], row["digest"]) == (len(BODY), raw_digest(BODY))


@pytest.mark.parametrize("table", ["certificate", "transfer"])
def test_certificates_and_bodies_are_kept_once_each(room, table):
    captured(room, seed("Pegel", "Der Pegel steigt."), seed("Wind", "Der Wind dreht."))
    assert room.number(f"SELECT count(*) FROM {table}") == {"certificate": 1, "transfer": 2}[table]
    assert room.number("SELECT count(*) FROM capture") == 3
