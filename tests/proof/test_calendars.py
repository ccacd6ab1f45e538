"""Calendars of OpenTimestamps: requested, stored, reported, never overstated."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from storage.database.outgoing import STAMPS
from storage.proof import checkpoints
from storage.proof.calendar_stamp import (
    attestations,
    calendar_request,
    complete_stamp,
    first_stamp,
    pending_promise,
)
from storage.proof.external.authorities import authority_stamps, calendar_stamps
from storage.proof.external.calendars import STILL_PENDING, calendar_states, request_calendar_stamps
from storage.proof.stamp import Authority, StampError, read_authorities
from storage.verify.finding import BrokenObject, Scope
from storage.verify.log import facts, stamps
from tests.flow.whole_record import KEY
from tests.pauses import end_pauses

NOTE, NONCE = "archiv.example/log\n5\nAAAA\n\n— eine Zeile\n", bytes(range(16))
PROMISE = bytes.fromhex(
    "f003616263080083dfe30d2ef90c8e191868747470733a2f2f6b616c656e6465722e6578616d706c65"
)
BLOCK = bytes.fromhex(
    "ff020083dfe30d2ef90c8e151468747470733a2f2f7a7765692e6578616d706c65f10378797a08000588960d73d719"
    "0103eb8d35"
)
"""What the library `opentimestamps` 0.4.5 wrote for these two answers of a calendar."""
ROOT = "283c82b4c61a2245522fb26529b397e0cbb67a7247d90cca80862d1c7cf2e113"
"""The root of the block that it read out of the stamp that both make."""
PENDING = bytes.fromhex("0083dfe30d2ef90c8e") + b"\x0c\x0bhttp://here"
HEIGHT = bytes.fromhex("000588960d73d71901") + b"\x03\xeb\x8d\x35"


class Calendar:
    """Promises each digest that it is sent, and keeps it once it is `mined`."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.looked: list[str] = []
        self.is_mined = False
        self.answer: tuple[int, bytes] | None = None


@contextmanager
def serving(calendar: Calendar) -> Iterator[Authority]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/digest"
            calendar.asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            self._tell(*(calendar.answer or (200, b"\x08" + PENDING)))

        def do_GET(self) -> None:
            calendar.looked.append(self.path.removeprefix("/timestamp/"))
            answer = (200, b"\xf1\x02ab\x08" + HEIGHT) if calendar.is_mined else (404, b"Pending")
            self._tell(*(calendar.answer or answer))

        def _tell(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_told: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Authority("kalender", f"http://127.0.0.1:{server.server_address[1]}", b"")
        finally:
            server.shutdown()


def asked(press, calendar: Authority, *, at_once: bool = False):
    return request_calendar_stamps(
        press.archive.engine, press.archive.clock, [calendar], at_once=at_once
    )


def told(press, calendar: Authority) -> dict:
    with press.archive.read_connection() as connection:
        (one,) = calendar_states(connection, [calendar])
    return one


def broken(press) -> list[str]:
    with press.archive.read_connection() as connection:
        looks = stamps(connection, Scope())
        return [each.kind for each in looks if isinstance(each, BrokenObject)]


def test_a_stamp_is_the_file_that_the_library_of_others_reads():
    stamp = first_stamp(NOTE, NONCE, PROMISE)
    assert stamp.hex().startswith("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294")
    promise = pending_promise(stamp, NOTE)
    assert promise is not None
    assert promise.uri == "https://kalender.example"
    whole = complete_stamp(stamp, NOTE, BLOCK)
    (block,) = [each for each in attestations(whole, NOTE) if each.height is not None]
    assert (block.height, block.message[::-1].hex()) == (870_123, ROOT)
    assert pending_promise(whole, NOTE) is None


def test_a_malformed_stamp_on_the_checkpoint_is_refused():
    stamp = first_stamp(NOTE, NONCE, PROMISE)
    for wrong in (b"", stamp[:-1], stamp + b"\0", stamp[:40], stamp[:83] + b"\x67" + stamp[84:]):
        with pytest.raises(StampError):
            attestations(wrong, NOTE)
    with pytest.raises(StampError):
        attestations(stamp, NOTE + "mehr\n")
    for answer in (b"", b"\xf0\xff\xff\x7f", b"\x08" * 1000 + PENDING, b"\xff" * 50):
        with pytest.raises(StampError):
            first_stamp(NOTE, NONCE, answer)
    with pytest.raises(StampError):
        complete_stamp(complete_stamp(stamp, NOTE, BLOCK), NOTE, BLOCK)


def test_a_checkpoint_is_promised_then_found_in_a_block_and_no_one_says_that_it_was_checked(press):
    engine, clock, calendar = press.archive.engine, press.archive.clock, Calendar()
    with serving(calendar) as one:
        made = checkpoints.make(engine, clock, KEY)
        assert told(press, one)["state"] == "waiting"
        (first,) = asked(press, one)
        (later,) = asked(press, one)
        assert (first.reason, later.reason) == (None, STILL_PENDING)
        (stamp,) = list_of(press)
        nonce = stamp.stamp[67:83]
        assert calendar.asked == [calendar_request(made.note, nonce)], "it learns no checkpoint"
        assert told(press, one)["state"] == "pending"
        assert asked(press, one) == [], "it is left alone for a while"
        end_pauses(press.archive.engine, STAMPS)
        calendar.is_mined = True
        (kept,) = asked(press, one)
        assert kept.reason is None
        state = told(press, one)
        assert (state["state"], "not checked" in state["reason"]) == ("complete", True)
        assert "block 870123" in state["reason"]
        assert asked(press, one) == [], "all is done"
        assert len(set(calendar.looked)) == 1
    assert broken(press) == []
    with press.archive.read_connection() as connection:
        assert list(authority_stamps(connection)) == [], "it is no stamp of an authority"
        assert facts(connection, Scope())["stamped"] is None, "and no level rests on it"


def list_of(press):
    with press.archive.read_connection() as connection:
        return list(calendar_stamps(connection))


@pytest.mark.parametrize("answer", [(500, b""), (404, b""), (200, b"<html>"), (200, b"")])
def test_a_calendar_that_is_away_or_answers_nonsense_is_asked_again_later(press, answer):
    checkpoints.make(press.archive.engine, press.archive.clock, KEY)
    calendar = Calendar()
    calendar.answer = answer
    with serving(calendar) as one:
        (found,) = asked(press, one)
        assert found.reason
        assert (told(press, one)["state"], told(press, one)["attempts"]) == ("failed", 1)
        assert asked(press, one) == []
        assert len(asked(press, one, at_once=True)) == 1
    assert list_of(press) == []


def test_a_stamp_of_a_calendar_that_someone_changed_is_named(press):
    checkpoints.make(press.archive.engine, press.archive.clock, KEY)
    with serving(Calendar()) as one:
        asked(press, one)
    (stamp,) = list_of(press)
    bad = bytearray(stamp.stamp)
    bad[40] ^= 1
    with press.archive.engine.begin() as connection:
        guard = "guard_log_stamp_update"
        dialect = connection.dialect.name
        connection.exec_driver_sql(
            f"DROP TRIGGER {guard}" + ("" if dialect == "sqlite" else " ON log_stamp")
        )
        connection.exec_driver_sql(
            f"UPDATE log_stamp SET stamp = {'X' if dialect == 'sqlite' else ''}"
            + (f"'{bad.hex()}'" if dialect == "sqlite" else f"decode('{bad.hex()}', 'hex')")
        )
    assert broken(press) == ["stamp_wrong"]


def test_a_calendar_is_next_to_authorities_in_their_list(tmp_path):
    listed = tmp_path / "authorities"
    listed.write_text("calendar kalender https://kalender.example/\n")
    assert read_authorities(listed) == (Authority("kalender", "https://kalender.example", b""),)
