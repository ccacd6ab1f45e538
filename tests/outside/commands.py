"""Commands of which no page has an example, and the services."""

import json
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from tests import services
from tests.outside import press
from tests.outside.places import Place, Running
from tests.outside.press import DAMM, GATE, SITE
from tests.outside.rows import Row

MESSAGES = "".join(
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
    Row("-h", "Usage: lesart"),
    Row("help source run", "Usage: lesart source run"),
    Row("diff", "try `lesart diff --help`", 2),
    Row("config", "database_url"),
    Row("db roles", "CREATE ROLE lesart_worker"),
    Row('sql "SELECT title FROM articles"', "Kanalbrücke", role="reader"),
    Row("source show kurier", '"kurier"'),
    Row(f"ingest {SITE}/alt", '"new_articles": 1'),
    Row(f"ingest {SITE}/alt", '"seen": 1'),
    Row("lineages", f"{SITE}/neu"),
    Row("ingest pages", '"noise": 1', before=edit),
    Row("noise", "box"),
    Row("raw {hall}", "36 Millionen"),
    Row("watch --after 0 --limit 1", '"article"'),
    Row("quotes --changed", "Wir sperren"),
    Row("persons", "Ada Kern"),
    Row('person "Ada Kern"', "36 Millionen"),
    Row('identities "Ada Kern"', '"Ada Kern"'),
    Row("open", "cannot reach the web page", 4),
    Row("token list", '"ada"'),
    Row("token revoke ada", "ada"),
    Row("alert add hook --query Pegel --webhook {hook}", "hook"),
    Row("alert show hook", '"hook"'),
    Row("alert edit hook --class number", "changed alert hook"),
    Row("alert test hook", "127.0.0.1"),
    Row("alert log", ""),
    Row("alert retry hook", "hook"),
    Row("alert rotate hook", "whsec"),
    Row("alert pause hook", "hook"),
    Row("alert resume hook", "hook"),
    Row("alert remove hook", "hook"),
    Row(f"explain {DAMM}", "robots"),
    Row("proof bundle {hall}@2 -o long.zip", "verify.py", into="long.zip"),
    Row("proof stamps", ""),
    Row("jobs", '"job"'),
    Row("refusals", "empty"),
    Row("ingest press/elsewhere --no-wait", '"job"'),
    Row("cancel {job}", "{job}"),
    Row("retry {job}", "{job}"),
    Row("worker --drain", ""),
    Row("top --once", "jobs"),
    Row("stats", '"articles"'),
    Row("stats --coverage", "kurier"),
    Row("stats --edits", "edits"),
    Row("ingest press/said --archive other.sqlite3", '"new_articles": 2'),
    Row("merge other.sqlite3", '"unchanged": 2'),
    Row("rederive", ""),
    Row("reclassify", ""),
    Row("undo {relation}", "{relation}"),
    Row("sweep --dry-run", "objects", settings={"LESART_CAPTURES_URL": "file:///nowhere"}),
    Row("redact {pegel} --reason court_order --no-scrub", '"articles": ["{pegel}"]'),
    Row("redact --finish", "rewrote the database", role="owner"),
    Row(f"ingest {GATE}", '"new_articles": 1'),
    Row(f"ingest {GATE}", '"seen": 1'),
    Row("mcp", "pip install 'lesart[mcp]'", 2),
    Row("export --format parquet -o texts.parquet", "pip install 'lesart[parquet]'", 2),
)  # fmt: skip


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
