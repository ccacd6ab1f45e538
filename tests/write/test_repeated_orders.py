"""What was removed or hidden stays so: a restored backup with its list of orders is the archive."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from storage.capabilities import CAPABILITIES
from storage.database.engine import database_url as parsed
from storage.database.engine import writing_engine
from storage.database.table_facts import RECORD_TABLES
from storage.database.tables.metadata import METADATA
from storage.database.views import VIEWS
from storage.write.redaction.order_kinds import NOT_REPEATED, load_kinds
from tests.flow.driver import Newsroom, hour, page
from tests.flow.processes import run_here
from tests.serve.conftest import served

SITE = "https://bote.example/"
DOCUMENT = Path(__file__).resolve().parents[2] / "docs/redaction.md"
NAMES = ("Ada Kern", "Bo Lind", "Eva Sand")
TEXTS = {
    "erased": "Der Fall Meier wurde am Montag im Rat besprochen. „Das war zu viel“, sagte Ada Kern.",
    "passage": "Gegen Otto Holm wird seit Juni ermittelt. „Dazu sage ich nichts“, sagte Bo Lind.",
    "twice": "Auch Otto Holm und Uta Graf kamen zur Sitzung. „Wir warten ab“, sagte Ada Kern am Abend.",
    "restricted": "Die Brücke bleibt bis Mai gesperrt. „Wir bauen im Mai“, sagte Ada Kern am Dienstag.",
    "lifted": "Das Bad öffnet im Juli. „Wir freuen uns auf die Gäste“, sagte Bo Lind am Mittwoch.",
    "sport": "Die Schwimmerin Eva Sand gewann. „Ich bin müde“, sagte Eva Sand nach ihrem Lauf.",
    "town": "Die Rätin Eva Sand sprach im Rat. „Der Haushalt steht“, sagte Eva Sand dort.",
}  # fmt: skip
ORDERS = (
    ("redact", f"{SITE}erased", "--reason", "court_order", "--no-scrub"),
    ("redact", f"{SITE}passage", "--passage", "Otto Holm", "--reason", "gdpr_erasure", "--no-scrub"),
    ("redact", f"{SITE}twice", "--passage", "Otto Holm", "--reason", "gdpr_erasure", "--no-scrub"),
    ("redact", f"{SITE}twice", "--passage", "Uta Graf", "--reason", "gdpr_erasure", "--no-scrub"),
    ("redact", f"{SITE}restricted", "--restrict", "--reason", "gdpr_restriction"),
    ("redact", f"{SITE}lifted", "--restrict", "--reason", "gdpr_restriction"),
    ("redact", f"{SITE}lifted", "--lift"),
    ("redact-person", "Ada Kern", "--reason", "gdpr_objection"),
    ("redact-person", "Bo Lind", "--reason", "gdpr_objection"),
    ("redact-person", "Bo Lind", "--undo"),
    ("part-persons", "Eva Sand", f"{SITE}sport", f"{SITE}town"),
)  # fmt: skip
"""An order of each kind; a further kind needs one."""
REPEATED = {
    "redaction": 4, "restriction": 2, "restriction_lifted": 1, "person": 2, "person_lifted": 1,
    "parted": 1,
}  # fmt: skip
ASKED = (
    ("articles",), ("changes",), ("persons",), ("quotes",), ("statements",), ("export",),
    ("identities", "Eva Sand"), ("search", "Rat"), ("person", "Bo Lind"), ("refusals",),
    *(("show", f"{SITE}{name}") for name in TEXTS),
)  # fmt: skip
PAGES = (
    "/", "/articles", "/changes", "/persons", "/statements", "/statements?speaker=Ada+Kern",
    "/identities?name=Eva+Sand", "/quotes.json", "/quotes.atom", "/feed.json", "/feed.atom",
    "/search?q=Rat",
)  # fmt: skip


def story(name: str, body: str, at: float = 1) -> str:
    return page(body, url=f"{SITE}{name}", observed_at=hour(at), title=f"Meldung {name}")


def fill(room: Newsroom) -> None:
    for at, (name, body) in enumerate(TEXTS.items(), 1):
        room.write(f"{name}.md", story(name, body, at))
    room.scan(9)


def call(folder: Path, place: str, *words: str) -> tuple[int, str, str]:
    """Run a command on an archive in this process."""
    settings = {"LESART_HOME": str(folder / "home"), "PATH": ""}
    ended = run_here(folder, (*words, "--archive", place), settings)
    return ended.returncode, ended.stdout, ended.stderr


def give_orders(folder: Path, place: str) -> None:
    for words in ORDERS:
        code, out, err = call(folder, place, *_named(folder, place, words), "--by", "eva")
        assert code == 0, (words, out, err)


def _named(folder: Path, place: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of an order; `part-persons` takes ids of articles."""
    if words[0] != "part-persons":
        return words
    rows = call(folder, place, "identities", "Eva Sand", "--format", "jsonl")[1].splitlines()
    return (*words[:2], *(json.loads(each)["article"] for each in rows))


ORDER_TIMES = re.compile(r'"(?:seq|cursor|after|next|parted_at)":\s?(?:"[^"]*"|\d+),?')


def shown(folder: Path, place: str) -> dict[str, Any]:
    """Return what each view, command, export and page says, but for numbers of rows."""
    found: dict[str, Any] = {}
    engine = writing_engine(parsed(place))
    with engine.connect() as connection:
        for name in VIEWS:
            rows = connection.execute(text(f"SELECT * FROM {name}")).mappings()
            found[name] = Counter(
                json.dumps({**row, "seq": 0}, default=str, sort_keys=True) for row in rows
            )
    engine.dispose()
    for words in ASKED:
        code, out, _err = call(folder, place, *words, "--format", "jsonl")
        found[" ".join(words)] = code, ORDER_TIMES.sub("", out)
    with served(place) as client:
        for each in PAGES:
            answer = client.get(each, headers={"accept": "text/html"})
            found[each] = answer.status_code, _plain(answer.text)
    return found


def _plain(text: str) -> str:
    """Return a page without what differs between two servers of one archive."""
    return re.sub(r"127\.0\.0\.1:\d+|nonce=\"[^\"]*\"|(?:after|cursor)=[\w%.~-]+", "", text)


@pytest.mark.slow
@pytest.mark.postgresql("slow")
def test_a_backup_from_before_all_orders_is_the_archive_once_they_are_repeated(
    room, tmp_path, request
):
    fill(room)
    backup, listed = str(tmp_path / "old.sqlite3"), str(tmp_path / "orders.jsonl")
    assert call(tmp_path, room.url, "backup", backup)[0] == 0
    give_orders(tmp_path, room.url)
    code, _out, err = call(
        tmp_path, room.url, "redact", "--list", "--format", "jsonl", "-o", listed
    )
    assert code == 0, err
    rows = [json.loads(line) for line in Path(listed).read_text("utf-8").splitlines()]
    assert Counter(row["kind"] for row in rows) == REPEATED
    assert {*REPEATED} == {*load_kinds()}, "give an order of the other kinds"
    assert not any(name in Path(listed).read_text("utf-8") for name in (*NAMES, "Holm", "bote"))
    place = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    if room.url.startswith("postgresql"):
        place = request.getfixturevalue("postgres_url")
    code, _out, err = call(tmp_path, place, "restore", backup, "--redactions", listed)
    assert code == 0, err
    told = "repeated 4 redactions, 2 restrictions, 1 lifted restriction, 2 persons"
    assert told in err
    before, after = shown(tmp_path, room.url), shown(tmp_path, place)
    assert {name for name in before if before[name] != after[name]} == set()
    without = f"sqlite:///{tmp_path / 'without.sqlite3'}"
    assert call(tmp_path, without, "restore", backup, "--no-verify")[0] == 0
    returned = shown(tmp_path, without)
    differing = {name for name in before if before[name] != returned[name]}
    assert {"quotes", "persons", "export", "/quotes.json", f"show {SITE}twice"} <= differing
    (tmp_path / "passage.md").write_text(story("passage", f"{TEXTS['passage']} Mehr dazu."))
    assert call(tmp_path, place, "ingest", "passage.md")[0] == 1
    refused = call(tmp_path, place, "refusals", "--format", "jsonl")[1]
    assert '"redacted"' in refused, "later texts with the passage are refused"


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_list_of_an_earlier_version_has_redactions_alone(room, tmp_path):
    fill(room)
    backup, listed = str(tmp_path / "old.sqlite3"), tmp_path / "acts.jsonl"
    assert call(tmp_path, room.url, "backup", backup)[0] == 0
    give_orders(tmp_path, room.url)
    out = call(tmp_path, room.url, "redact", "--list", "--format", "jsonl")[1]
    own = ("archive", "act", "at", "reason", "actor", "emptied", "rows")
    rows = [json.loads(line) for line in out.splitlines()]
    old = [{name: row[name] for name in own} for row in rows if row["kind"] == "redaction"]
    listed.write_text("".join(json.dumps(row) + "\n" for row in old))
    place = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    code, _out, err = call(tmp_path, place, "restore", backup, "--redactions", str(listed))
    assert (code, "repeated 3 redactions\n" in err) == (0, True), err
    assert call(tmp_path, place, "show", f"{SITE}erased")[0] == 1
    assert call(tmp_path, place, "show", f"{SITE}restricted")[0] == 0


@pytest.mark.slow
@pytest.mark.postgresql("fast")
def test_a_merge_repeats_the_orders_of_the_other_archive(room, tmp_path):
    fill(room)
    place = f"sqlite:///{tmp_path / 'target.sqlite3'}"
    code, _out, err = call(tmp_path, place, "merge", room.url)
    assert (code, "repeated no orders" in err) == (0, True), err
    give_orders(tmp_path, room.url)
    code, _out, err = call(tmp_path, place, "merge", room.url)
    assert code == 0, err
    assert (
        "repeated 4 redactions, 2 restrictions, 1 lifted restriction, 2 persons, "
        "1 person listed again, 1 parted identity of the other archive"
    ) in err
    here, there = shown(tmp_path, place), shown(tmp_path, room.url)
    for each in ("persons", "quotes", *(f"show {SITE}{name}" for name in TEXTS)):
        assert here[each][0] == there[each][0], each
    for name in ("restricted", "erased"):
        assert call(tmp_path, place, "show", f"{SITE}{name}")[0] == 1
    for name, gone in (("passage", "Otto Holm"), ("twice", "Uta Graf"), ("twice", "Otto Holm")):
        out = call(tmp_path, place, "show", f"{SITE}{name}", "--format", "jsonl")[1]
        assert (gone in out, "[redacted]" in out) == (False, True), name
    assert call(tmp_path, place, "redact", f"{SITE}restricted", "--lift")[0] == 0
    _code, _out, err = call(tmp_path, place, "merge", room.url)
    assert "repeated no orders" in err, "what this archive has lifted stays lifted"
    assert call(tmp_path, place, "show", f"{SITE}restricted")[0] == 0
    assert call(tmp_path, place, "verify")[0] == 0


PERSONS = {"actor", "reviewer", "decided_by", "undone_by"}
"""The columns that name whoever acted."""


def test_each_kind_of_orders_is_repeated_or_says_why_not():
    acts = {
        table.name
        for table in RECORD_TABLES
        if PERSONS & {*METADATA.tables[table.name].c.keys()}
        or table.name.endswith(("_undone", "_lifted", "_withdrawn"))
    }
    kinds = {kind.table for kind in load_kinds().values()}
    without = [each for each in CAPABILITIES if "orders" not in each.parts]
    others = {*NOT_REPEATED} | {table.name for each in without for table in each.record_tables}
    assert acts <= kinds | others, "give the table an `OrderKind`, or say why it has none"
    assert not kinds & others
    repeated = {table.name for table in RECORD_TABLES if table.transfer == "repeated"}
    carried = {table.name for table in RECORD_TABLES if table.transfer == "written"}
    assert kinds == repeated | kinds & carried, "a merge repeats its orders, or carries its rows"


def test_the_document_lists_each_kind_of_orders():
    listed = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert dict(listed[1:]) == {name: kind.many for name, kind in load_kinds().items()}
