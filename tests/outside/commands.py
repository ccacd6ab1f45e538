"""A row for each command of the program, in an order in which each has something to answer."""

import json
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from tests import services
from tests.outside import press
from tests.outside.places import Place, Running
from tests.outside.press import BRIDGE, DAMM, SITE
from tests.outside.rows import Row

TOOLS = "".join(
    json.dumps({"jsonrpc": "2.0", **each}) + "\n"
    for each in (
        {"id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "probe", "version": "1"}}},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list"},
    )
)  # fmt: skip
"""What a client of `lesart mcp` sends first: two of them are answered."""


def edit(place: Place) -> None:
    press.edit_files(place.folder)


COMMANDS = (
    Row("version", "lesart 0.1.0, Python"),
    Row("config", "database_url"),
    Row("db upgrade", '"after"', role="owner"),
    Row("doctor", "schema"),
    Row("source add press/seeds --name press", "press"),
    Row("up --once", ('"new_articles"', "documents were refused"), 1),
    Row("ingest press/said", '"new_articles": 2'),
    Row("ingest pages", '"new_articles": 4'),
    Row(f"ingest {BRIDGE}", '"new_articles": 1'),
    Row(f"ingest {BRIDGE}", '"new_versions": 1'),
    Row(f"ingest {DAMM}", '"new_articles": 1'),
    Row(f"ingest {DAMM}", '"seen": 1'),
    Row("unconfirmed --open", '"grade": "wall"'),
    Row(f"dismiss {DAMM}", "dismissed"),
    Row(f"confirm {DAMM} --undo", "undid"),
    Row(f"confirm {DAMM}", "confirmed"),
    Row(f"ingest {SITE}/alt", '"new_articles": 1'),
    Row(f"ingest {SITE}/alt", '"seen": 1'),
    Row(f"ingest {SITE}/liveblog-sturmflut", '"new_articles": 1'),
    Row(f"ingest {SITE}/ --type front", '"seen"'),
    Row(f"ingest --history {BRIDGE} --dry-run", "2024-06-17"),
    Row("source run press", '"new_versions": 2', 1, before=edit),
    Row("ingest pages", '"noise": 1'),
    Row("source list", ('"press"', '"every')),
    Row("source show press", '"press"'),
    Row("source set press --every 5m", "press"),
    Row("source pause press", "press"),
    Row("source resume press", "press"),
    Row("list", "Kanalbrücke"),
    Row("search Pegel", "Pegel"),
    Row("show {pegel}", "36 Zentimeter"),
    Row("history {pegel}", '"version": 2'),
    Row("diff {pegel}@1..@2", "[-3,6-]{+36+}", 1),
    Row("blame {pegel}", "36 Zentimeter"),
    Row("sentences {pegel} Zentimeter", "36 Zentimeter"),
    Row("changes --class number", "3,6"),
    Row("watch --after 0 --limit 1", '"article"'),
    Row("cite {pegel}", "Pegel steigt"),
    Row("raw {pegel}", "36 Zentimeter"),
    Row("observations {pegel}", '"outcome"'),
    Row(f"entries {SITE}/liveblog-sturmflut", "Wehr 7"),
    Row("relations", 'exact_copy"'),
    Row("noise", "box"),
    Row("lineages", f"{SITE}/neu"),
    Row(f"front {SITE}/", press.HEADLINE),
    Row("fronts", press.HEADLINE),
    Row("rights", "noai"),
    Row("quotes", "Ada Kern"),
    Row("quotes --changed", ""),
    Row("statements", "36 Millionen"),
    Row("persons", "Ada Kern"),
    Row('person "Ada Kern"', "36 Millionen"),
    Row('identities "Ada Kern"', '"Ada Kern"'),
    Row("open", "cannot reach the web page", 4),
    Row("token add ada --scope review", "ada"),
    Row("review {pegel}@2 --label wichtig", "wichtig"),
    Row("reviews", "wichtig"),
    Row("token list", '"ada"'),
    Row("token revoke ada", "ada"),
    Row("alert add pegel --query Pegel --webhook {hook}", "pegel"),
    Row("alert list", '"pegel"'),
    Row("alert show pegel", '"pegel"'),
    Row("alert edit pegel --class number", "changed alert pegel"),
    Row("alert test pegel", "127.0.0.1"),
    Row("alert log", ""),
    Row("alert retry pegel", "pegel"),
    Row("alert rotate pegel", "whsec"),
    Row("alert pause pegel", "pegel"),
    Row("alert resume pegel", "pegel"),
    Row("alert remove pegel", "pegel"),
    Row("export -o texts.jsonl", "Pegel", into="texts.jsonl"),
    Row('sql "SELECT count(*) AS n FROM articles"', '"n"'),
    Row('sql "SELECT title FROM articles"', "Kanalbrücke", role="reader"),
    Row(f"explain {DAMM}", "robots"),
    Row("verify", "level: logged"),
    Row("proof keygen", "lesart"),
    Row("proof checkpoint -o checkpoint.txt", "lesart", into="checkpoint.txt"),
    Row("proof tiles tiles", "tiles"),
    Row("proof bundle {pegel}@2 -o proof.zip", "verify.py", into="proof.zip"),
    Row("proof stamps", ""),
    Row("jobs", '"job"'),
    Row("refusals", "empty"),
    Row("ingest press/elsewhere --no-wait", '"job"'),
    Row("cancel {job}", "{job}"),
    Row("retry {job}", "{job}"),
    Row("worker --drain", ""),
    Row("top --once", "jobs"),
    Row("stats", '"articles"'),
    Row("stats --coverage", "press"),
    Row("stats --edits", "edits"),
    Row("backup copy.sqlite3", "copy.sqlite3"),
    Row("restore copy.sqlite3 --drill", ""),
    Row("ingest press/said --archive other.sqlite3", '"new_articles": 2'),
    Row("merge other.sqlite3", '"unchanged": 2'),
    Row("rederive", ""),
    Row("reclassify", ""),
    Row("undo {relation}", "{relation}"),
    Row('part-persons "Ada Kern" {one} {two}', "two persons of this name"),
    Row('redact-person "Ada Kern" --reason gdpr_objection', "left out of all lists"),
    Row("sweep --dry-run", "objects", settings={"LESART_CAPTURES_URL": "file:///nowhere"}),
    Row("redact {pegel} --reason court_order --no-scrub", '"texts": 2'),
    Row("redact --finish", "rewrote the database", role="owner"),
    Row("source remove press", "press"),
    Row("mcp", "pip install 'lesart[mcp]'", 2),
    Row("export --format parquet -o texts.parquet", "pip install 'lesart[parquet]'", 2),
)  # fmt: skip

FILLED = next(number for number, row in enumerate(COMMANDS) if row.line == "source list")
"""The first row that finds texts of all kinds."""


@dataclass(frozen=True)
class Service:
    """A command that goes on: when it does its work, and how it ends when it is stopped."""

    works: Callable[[Place, Running, Mapping[str, str]], bool]
    code: int = 0
    role: str = "worker"
    ended_by: signal.Signals = signal.SIGTERM
    settings: Mapping[str, str] = field(default_factory=dict)
    beside: str = ""
    """A service that it needs."""

    def address(self) -> str:
        return f"127.0.0.1:{services.free_port()}"


def _ingests(place: Place, _running: Running, settings: Mapping[str, str]) -> bool:
    """Check whether a command that hands its job to a worker gets an answer."""
    return place.lesart("ingest press/said", **settings).code == 0


def _is_ready(_place: Place, _running: Running, settings: Mapping[str, str]) -> bool:
    try:
        return httpx.get(f"http://{settings['LESART_WEB_ADDRESS']}/readyz", timeout=60).is_success
    except httpx.TransportError:
        return False


def _has_said(word: str):
    def has_said(_place: Place, running: Running, _settings: Mapping[str, str]) -> bool:
        return word in running.log.read_text(errors="replace")

    return has_said


BROKER = {"LESART_BROKER_URL": "{broker}"}
ADDRESS = {"LESART_WEB_ADDRESS": "{address}"}
SERVICES = {
    "web --workers 1": Service(_is_ready, role="web", settings=ADDRESS),
    "web --workers 2": Service(_is_ready, role="web", settings=ADDRESS),
    "up": Service(_is_ready, settings=ADDRESS),
    "scheduler": Service(_has_said("scheduler_started"), settings=BROKER),
    "worker --concurrency 1": Service(_ingests, settings=BROKER, beside="scheduler"),
    "watch --after 0": Service(_has_said("article"), 130, ended_by=signal.SIGINT),
}
"""The commands that go on until they are stopped."""
