"""Checkpoints are stamped by authorities that others run: asked, kept, checked offline."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from storage.database.outgoing import STAMPS
from storage.proof import checkpoints
from storage.proof.external.authorities import authority_stamps, request_stamps, states
from storage.proof.policy import PolicyError
from storage.proof.stamp import (
    Authority,
    StampError,
    read_authorities,
    read_stamp_time,
    stamp_request,
)
from storage.verify.finding import Scope
from storage.verify.level import level, sentences
from storage.verify.log import facts, stamps
from tests.authority import authority, serving
from tests.flow.whole_record import KEY
from tests.pauses import end_pauses
from tests.read.press import draft

NOTE = "archiv.example/log\n5\nAAAA\n\n— eine Zeile\n"


def known(url: str, name: str = "one") -> Authority:
    return Authority(name, url, authority(name).root.read_bytes())


def asked(press, *authorities: Authority, at_once: bool = False):
    return request_stamps(press.archive.engine, press.archive.clock, authorities, at_once=at_once)


def told(press, *authorities: Authority) -> list[dict]:
    with press.archive.read_connection() as connection:
        return list(states(connection, authorities))


def checked(press, *authorities: Authority) -> list[str]:
    """Return the kinds of faults of the stamps, with these known authorities."""
    with press.archive.read_connection() as connection:
        looks = stamps(connection, Scope(authorities=authorities))
        return [each.kind for each in looks if hasattr(each, "kind")]


def test_each_new_checkpoint_is_stamped_once_and_its_stamp_makes_no_next_one(press):
    engine, clock = press.archive.engine, press.archive.clock
    with serving(authority("one")) as url:
        one = known(url)
        for at in (7, 8):
            made = checkpoints.make(engine, clock, KEY)
            (found,) = asked(press, one)
            assert found.reason is None
            assert abs(found.at - datetime.now(UTC)) < timedelta(minutes=1)
            assert asked(press, one) == [], "it is asked once"
            assert checkpoints.make(engine, clock, KEY).id == made.id, "a stamp is no news"
            press.scan(at, neu=draft("Neu", f"Satz {at}."))
            press.now = datetime.now(UTC)
    with press.archive.read_connection() as connection:
        (first, second) = authority_stamps(connection)
        now = facts(connection, Scope(authorities=(one,)))
        assert level(now, None, is_checked_outside=False) == "stamped"
        said = sentences(now, (), None, is_broken=False, is_verbose=False)
        assert any("one stamped at" in each for each in said)
        unknown = facts(connection, Scope())
        assert level(unknown, None, is_checked_outside=False) == "signed", "nobody vouches for it"
    assert first.signed.size < second.signed.size
    assert checked(press, one) == []
    (state,) = told(press, one)
    assert (state["state"], state["entries"]) == ("stamped", second.signed.size)


def test_an_authority_that_is_away_is_asked_again_ever_more_rarely(press):
    checkpoints.make(press.archive.engine, press.archive.clock, KEY)
    away = known("http://127.0.0.1:9/tsr")
    pauses = []
    for _ in range(3):
        (found,) = asked(press, away)
        assert found.at is None
        assert asked(press, away) == [], "it is left alone"
        (state,) = told(press, away)
        assert state["state"] == "failed"
        assert "refused" in state["reason"]
        pauses.append((state["next_at"] - datetime.now(UTC)) / timedelta(minutes=1))
        end_pauses(press.archive.engine, STAMPS)
    for pause, longest in zip(pauses, (1, 2, 4), strict=True):
        assert longest / 2 - 0.1 < pause <= longest
    with serving(authority("one")) as url:
        end_pauses(press.archive.engine, STAMPS, in_seconds=40.0)
        assert asked(press, known(url)) == []
        assert asked(press, known(url), at_once=True)[0].reason is None
    assert told(press, away)[0]["attempts"] == 0


def test_a_stamp_on_another_checkpoint_or_by_another_authority_is_not_kept(press):
    checkpoints.make(press.archive.engine, press.archive.clock, KEY)
    one, other = replace(authority("one")), authority("two")
    reasons = []
    with serving(one) as url:
        for answer in (
            (200, other.stamp(stamp_request(NOTE))),
            (200, one.stamp(stamp_request(NOTE))),
            (200, one.stamp(b"0\0")),
            (200, b""),
            (200, b"x" * 1_000_000),
            (503, b"later"),
        ):
            one.answer = answer
            (found,) = asked(press, known(url), at_once=True)
            assert found.at is None
            reasons.append(found.reason)
    for reason, wanted in zip(reasons, ("certificate", "Mismatch", "did not stamp", "no stamp", "no stamp", "503"), strict=True):  # fmt: skip
        assert wanted in reason
    with press.archive.read_connection() as connection:
        assert list(authority_stamps(connection)) == []


def test_a_stamp_by_another_authority_or_of_a_fast_clock_is_reported(press):
    press.now = datetime.now(UTC) + timedelta(hours=1)
    checkpoints.make(press.archive.engine, press.archive.clock, KEY)
    with serving(authority("one")) as url:
        asked(press, known(url))
    assert checked(press) == checked(press, known(url)) == ["clock_ahead"]
    assert checked(press, replace(known(url), roots=known(url, "two").roots)) == ["stamp_wrong"]


def test_openssl_agrees(tmp_path):
    one = authority("one")
    stamp = one.stamp(stamp_request(NOTE))
    assert read_stamp_time(stamp, NOTE, known("http://x")) == read_stamp_time(stamp, NOTE, None)
    (tmp_path / "stamp").write_bytes(stamp)
    for note, code in ((NOTE, 0), (f"{NOTE} ", 1)):
        (tmp_path / "note").write_text(note)
        done = subprocess.run(["openssl", "ts", "-verify", "-in", "stamp", "-data", "note",
                               "-CAfile", one.root], cwd=tmp_path, capture_output=True)  # fmt: skip
        assert done.returncode == code
    with pytest.raises(StampError, match="something else"):
        read_stamp_time(stamp, f"{NOTE} ", None)


@pytest.mark.parametrize(("line", "reason"), [
    ("authority a ftp://a.example/tsr root.pem", "no line"),
    ("authority a http://a.example/tsr", "no line"),
    ("authority a http://a.example/tsr none.pem", "No such file"),
    ("authority a http://a.example/tsr list", "PEM"),
    ("authority a http://a.example/tsr root.pem\nauthority a http://b.example root.pem", "taken"),
    ("stamp", "no line"),
])  # fmt: skip
def test_a_line_that_names_no_authority_is_reported(tmp_path, line, reason):
    (tmp_path / "root.pem").write_bytes(authority("one").root.read_bytes())
    (tmp_path / "list").write_text(f"# who stamps\n\n{line}\n")
    with pytest.raises(PolicyError, match=reason):
        read_authorities(tmp_path / "list")


def test_a_list_names_authorities_with_certificates_next_to_it(tmp_path):
    (tmp_path / "root.pem").write_bytes(authority("one").root.read_bytes())
    (tmp_path / "list").write_text("authority uni https://a.example/tsr root.pem\n")
    (found,) = read_authorities(tmp_path / "list")
    assert (found.name, found.url, len(found.certificates())) == ("uni", "https://a.example/tsr", 1)
    assert read_authorities(None) == ()
