"""The examples of the README and the docs, and a row for each."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.outside import press
from tests.outside.places import Ended, Place
from tests.outside.press import BRIDGE, DAMM, HALL, PEOPLE, SITE
from tests.outside.rows import Row

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    {ROOT / "README.md", *(ROOT / "docs").glob("*.md")} - {ROOT / "docs/contributing.md"}
)
"""All pages for users; what contributors type is what `.ci/run` does."""
BLOCK = re.compile(r"^```(console|python|sh|sql|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"\s+# .*$")
LEADING = re.compile(
    r"^\$ |^docker compose run --rm (?=lesart )|^.* && \.venv/bin/(?=lesart)|^\.venv/bin/(?=lesart)"
)

ELSEWHERE = {
    "docker": "tests/compose", "(umask 077; docker": "tests/compose", "newest": "tests/compose", "mkdir": "tests/compose", "git": "tests/compose",
    "scp": "tests/compose", "tar": "tests/compose", "cd": "tests/compose", "cat": "tests/compose",
    "echo": "tests/compose", "psql": "tests/compose", "LESART": "tests/compose", "EOF": "tests/compose",
    **dict.fromkeys(
        ("apt-get", "useradd", "/opt/lesart", "SETTINGS=", "install -d", "for role", "chown", "runuser", "set -a", ". ", "#!/bin/sh",
         "exec /opt/lesart", "chmod", "chgrp", "systemctl", "journalctl", "\\set", "CREATE DATABASE", "python3 -m venv /opt"),
        "tests/stack/test_without_docker.py",
    ),
    "npm": "tests/capabilities/browser_pages/test_consent.py", "pip": ".ci/run", ".venv/bin/pip": ".ci/run", "python3 -m venv": ".ci/run",
    "curl": "tests/outside/test_web.py", "export": "tests/docs/test_documented.py",
    "python3 -I verify.py": "tests/export", "sigsum-key": "tests/proof", "GODEBUG": "tests/proof",
    "CREATE ROLE": "tests/compose", "witness": "tests/proof", "group": "tests/proof", "quorum": "tests/proof", "authority": "tests/proof",
    "import pandas": "tests/docs/test_examples.py", "import duckdb": "tests/export",
}  # fmt: skip
"""Lines that other tests are for, by how they begin: what needs Docker, a package, or another program."""
STANDS = {
    "ARTICLE ANOTHER": "{one} {two}", "ARTICLE@2": "{bridge}@2", "ARTICLE": "{one}",
    "0zfme61hjyre0a76": "{bridge}", "35xhehswnwa6vc12": "{bridge}", "@3 -o": "@2 -o", "@1..@4": "@1..@2",
    "/srv/press/in": "pages", "/srv/press/kurier": "press/seeds", "/srv/press/bote": "press/said",
    "/srv/www/log": "log",
}  # fmt: skip
"""What stands for a value or a folder of the reader."""
SQL = re.compile(r"^SELECT")


def examples() -> list[str]:
    """Return what a reader would type, once each: a line of a shell, a query, a program in Python."""
    found = []
    for page in PAGES:
        for kind, text in BLOCK.findall(page.read_text("utf-8")):
            joined = re.sub(r"\\\n\s*", "", text)
            found += [text.strip()] if kind in {"python", "sql"} else joined.splitlines()
    lines = (
        LEADING.sub("", COMMENT.sub("", each)).removesuffix(" || [ $? = 1 ]") for each in found
    )
    return [each for each in dict.fromkeys(lines) if each and not each.startswith("#")]


def is_elsewhere(example: str) -> bool:
    return example.startswith(tuple(ELSEWHERE))


@dataclass(frozen=True)
class Example(Row):
    """An example; `line` is what the page has, or how a query or a program begins."""

    def run(self, place: Place) -> Ended:
        """Run it by a shell, a query by `lesart sql`, and a program by Python."""
        if self.before is not None:
            self.before(place)
        (full,) = (
            each
            for each in examples()
            if each == self.line or ("\n" in each and each.startswith(self.line))
        )
        environment = place.environment(self.role, **self.settings)
        if SQL.match(full):
            return place.run(
                ["lesart", "sql", full, "--param", "last=0"][: 5 if ":last" in full else 3],
                environment,
            )
        if full.startswith(("from ", "import ")):
            return place.run(["python", "-P", "-c", _opened(full, place)], environment)
        for name, value in STANDS.items():
            full = full.replace(name, value)
        line = full if full.startswith("lesart --show") else place.filled(full)
        return place.run(["bash", "-euo", "pipefail", "-c", line], environment, self.given)


def _opened(program: str, place: Place) -> str:
    """Return a program that opens the archive of a place, by the role that docs/python.md names."""
    if place.name == "sqlite":
        return program
    role = "reader" if "archive.sql(" in program or "session" in program else "page"
    return program.replace(
        '"lesart-data/lesart.sqlite3"', repr(place.settings[role]["LESART_DATABASE_URL"])
    )


def prepare(place: Place) -> None:
    """Write the files that the examples name, and create the archive."""
    press.write_files(place.folder)
    (place.folder / ".local/share/bash-completion/completions").mkdir(parents=True)
    for line, role in (
        ("db upgrade", "owner"),
        ("ingest press/said", "worker"),
        ("ingest earlier.warc.gz", "worker"),
    ):
        ended = place.lesart(line, role)
        assert ended.code in {0, 1}, ended.messages


def after(*lines: str) -> Callable[[Place], None]:
    """Return an act that runs other commands first."""

    def act(place: Place) -> None:
        for line in lines:
            ended = place.lesart(line)
            assert ended.code == 0, ended.messages

    return act


def as_file(place: Place) -> None:
    """Copy an archive on PostgreSQL into the file that an example reads."""
    if place.name == "postgresql":
        (place.folder / "lesart-data").mkdir(exist_ok=True)
        after("backup lesart-data/lesart.sqlite3")(place)


def _row(line: str, says: str | tuple[str, ...] = "", code: int = 0, **more) -> Example:
    known = {"lesart redact ": "owner", "lesart db ": "owner"}
    role = next((role for begin, role in known.items() if line.startswith(begin)), "worker")
    return Example(line, says, code, **{"role": role} | more)


EXAMPLES = (
    _row("lesart up --once", '"new_articles": 16'),
    _row("lesart version", "lesart 0.1.0"),
    _row("lesart db upgrade", '"after"'),
    _row(f'lesart diff "{HALL}@1..@2"', "[-3,6-]{+36+} Millionen Euro", 1),
    _row("lesart list", "Kanalbrücke"),
    _row(f"lesart history {HALL}", '"version": 3'),
    _row("lesart changes --class number", "3,6"),
    _row(f"lesart blame {HALL}", "36 Millionen"),
    _row("lesart search '\"Nach dem Sturm\"'", "Nach dem Sturm"),
    _row("lesart list --as-of 2024-06-18T12:00", "Kanalbrücke"),
    _row("lesart relations", "exact_copy"),
    _row("lesart verify", "level: logged"),
    _row("lesart proof keygen", "lesart"),
    _row(f"lesart ingest {BRIDGE}", '"new_versions"'),
    _row(f"lesart source add {BRIDGE}", BRIDGE),
    _row(f"lesart observations {BRIDGE}", '"outcome": "content"'),
    _row(f"lesart ingest --history {BRIDGE}", '"new_versions"'),
    _row(f"lesart source set {BRIDGE} --copy-to internet-archive", "internet-archive"),
    _row('lesart sql "SELECT title, published, published_precision FROM articles ORDER BY published_from"', "Kanalbrücke"),
    _row('lesart sql "SELECT article, version, removed, added FROM changes ORDER BY changed_by"', "3,6"),
    _row('from lesart import open_archive\n\nwith open_archive("lesart-data/lesart.sqlite3") as archive:\n    for hit in archive.search("Brücke")', "Kanalbrücke"),
    _row("lesart search Hafen", "Hafen"),
    _row("lesart backup copy.sqlite3", "copy.sqlite3"),
    _row("lesart backup copy.sqlite3 --update", "copy.sqlite3"),
    _row("lesart restore copy.sqlite3 --drill", "the log has"),
    _row("lesart doctor", "schema"),
    _row("lesart alert add zahlen --class number --silent --mail redaktion@bote.example --daily", "zahlen"),
    _row("lesart alert add pegel --query Pegelstand --language de --webhook https://redaktion.example/hook", "whsec"),
    _row("lesart alert list", '"pegel"'),
    _row("lesart alert add weg --class gone --mail ada@bote.example", "weg"),
    _row('lesart alert add zitat --passage "Wir haben alles im Griff." --webhook https://redaktion.example/hook', "whsec"),
    _row("lesart --show-completion bash > ~/.local/share/bash-completion/completions/lesart", "_LESART_COMPLETE", into=".local/share/bash-completion/completions/lesart"),
    _row("lesart export -o texts.jsonl", "Kanalbrücke", into="texts.jsonl"),
    _row("lesart export --language de --published-since 2024-06 --all-versions -o june.csv", "Kanalbrücke", into="june.csv"),
    _row('lesart export --query "Kanalbrücke" -o bridge.jsonl', "Kanalbrücke", into="bridge.jsonl"),
    _row("lesart ingest captures.warc.gz --type front", "front pages read: 1"),
    _row(f"lesart front {SITE}/ --as-of 2026-03-01T12:00", press.HEADLINE),
    _row(f"lesart fronts --article {BRIDGE}", press.HEADLINE),
    _row(f"lesart source add {BRIDGE} --browser", BRIDGE, before=after(f"source remove {BRIDGE}")),
    _row("lesart pictures --event swapped", ""),
    _row("lesart resources https://www.hafenkurier.example/lokales/kanalbruecke", ""),
    _row("lesart changes --picture swapped", ""),
    _row("lesart alert add bilder --picture any --mail redaktion@hafenkurier.example", "bilder"),
    _row(f"lesart source add {SITE}/ --type front --every 15m", f"{SITE}/"),
    _row(f"lesart ingest --history {SITE}/ --type front --every 1h", "front pages read"),
    _row(f"lesart source add {SITE}/ --type front --history", f"{SITE}/", before=after(f"source remove {SITE}")),
    _row("SELECT front, headline, position, first_seen, ended_by FROM fronts WHERE headline_test ORDER BY first_seen", ""),
    _row("lesart ingest article.html", '"new_articles": 1'),
    _row("lesart ingest /srv/press/in", '"seen": 4'),
    _row("lesart ingest - --type json < article.json", '"seen": 1'),
    _row(f"lesart source set {SITE}/feed --copy-to internet-archive", "internet-archive", before=after(f"source add {SITE}/feed")),
    _row(f"lesart source set {SITE}/feed --copy-to off", "feed"),
    _row("lesart proof checkpoint -o checkpoint.txt", "lesart", into="checkpoint.txt"),
    _row("lesart proof tiles /srv/www/log", "log"),
    _row("lesart verify --format json", '"findings": []'),
    _row("lesart verify --against checkpoint.txt", "checked against a copy outside"),
    _row("lesart proof 0zfme61hjyre0a76@3 -o nachweis.zip", "verify.py", into="nachweis.zip"),
    _row('lesart proof 0zfme61hjyre0a76@1..@4 --passage "vierzig nasse Keller" -o nachweis.zip', "verify.py", into="nachweis.zip"),
    _row("import json\nimport subprocess", "0", code=0),
    _row('from lesart import open_archive\n\nwith open_archive("lesart-data/lesart.sqlite3") as archive:\n    for article in', "Kanalbrücke"),
    _row('from lesart import open_archive\n\nwith open_archive("lesart-data/lesart.sqlite3") as archive:\n    for hit in archive.search(\'', "Nach dem Sturm"),
    _row('from lesart import open_archive\n\nwith open_archive("lesart-data/lesart.sqlite3") as archive:\n    for statement in', "Hafenkurier"),
    _row("from lesart import open_archive\n\nURL", "36 Millionen"),
    _row("from datetime import UTC, datetime", "Kanalbrücke"),
    _row('from lesart import open_archive\n\nwith open_archive("lesart-data/lesart.sqlite3") as archive:\n    rows', "('title',)"),
    _row("from sqlmodel import select", "Kanalbrücke"),
    _row("from lesart import NoSuchError, open_archive", "https://www.hafenkurier.example/fehlt"),
    _row('lesart quotes --speaker "Ada Kern"', "Ada Kern"),
    _row('lesart quotes --about "Brücke 36 Millionen" --since 2024-06', "36 Millionen"),
    _row("lesart quotes ARTICLE --format csv", "36 Millionen"),
    _row('lesart statements --about "Brücke 36 Millionen"', "36 Millionen"),
    _row('lesart part-persons "Ada Kern" ARTICLE ANOTHER', "two persons of this name"),
    _row('lesart search "Kanalbrücke Reparatur"', "Kanalbrücke"),
    _row("lesart search '\"Nach dem Sturm\"' --latest", "Nach dem Sturm"),
    _row("lesart search Brücke --facets", "hafenkurier"),
    _row("lesart list --language de --published-since 2024-06", "Kanalbrücke"),
    _row("lesart changes --silent", '"silent": true'),
    _row("lesart changes --contains 36", "36"),
    _row(f"lesart entries {SITE}/liveblog-sturmflut", "Wehr 7", before=after(f"ingest {SITE}/liveblog-sturmflut")),
    _row(f"lesart entries {SITE}/liveblog-sturmflut --oldest-first --as-of 2026-03-01T12:00", "Wehr 7"),
    _row(f"lesart changes {SITE}/liveblog-sturmflut", ""),
    _row(f"lesart alert add ticker --article {SITE}/liveblog-sturmflut --class entry_added --mail ada@bote.example", "ticker"),
    _row(f"lesart blame {HALL} --removed", "3,6"),
    _row(f'lesart sentences {HALL} "36 Millionen"', "36 Millionen"),
    _row("lesart relations --explain", "exact_copy"),
    _row(f"lesart cite {HALL} --style bibtex", "@"),
    _row(f"lesart show {HALL} --as-of 2024-06-18 --known-at 2030", "Kanalbrücke"),
    _row("lesart token add ada --scope review", "ada"),
    _row('lesart review ARTICLE@2 --label important --note "36 instead of 3.6 centimetres"', "important"),
    _row("lesart reviews --label important", "important"),
    _row("lesart changes --label important", '"version": 2'),
    _row(f"lesart rights {BRIDGE}", "noai"),
    _row(f"lesart rights {BRIDGE} --current --as-of 2026-03-01", "noai"),
    _row(f"lesart show {BRIDGE}", "Kanalbrücke gesperrt"),
    _row("SELECT article, value, first_seen, ended_by FROM rights", ""),
    _row('lesart sql "SELECT article, title, versions FROM articles ORDER BY versions DESC"', "Kanalbrücke"),
    _row('lesart sql "SELECT * FROM changes WHERE words_removed > 100" --format json', "["),
    _row('lesart sql "SELECT count(*) AS n FROM versions WHERE language = :language" --param language=de', '"n"'),
    _row("SELECT title, published FROM articles", "Kanalbrücke"),
    _row("SELECT * FROM versions WHERE seq > :last ORDER BY seq", "Kanalbrücke"),
    _row("SELECT article, entry, headline", ""),
    _row("lesart source add /srv/press/kurier --name kurier --every 15m", "kurier"),
    _row('lesart source add /srv/press/bote --name bote --cron "0 6 * * 1-5"', "bote"),
    _row("lesart source list", "kurier"),
    _row("lesart source set kurier --every 5m", "kurier"),
    _row("lesart source run kurier", '"new_articles": 3', 1),
    _row("lesart source pause bote", "bote"),
    _row("lesart source resume bote", "bote"),
    _row("lesart source remove bote", "bote"),
    _row(f"lesart source set {BRIDGE} --recheck 1h..40d", BRIDGE),
    _row(f"lesart ingest --history {BRIDGE} --dry-run", "2024-06-17"),
    _row(f"lesart ingest --history {BRIDGE} --from 2019 --every 1d", '"seen"'),
    _row("lesart list --source internet-archive", f"{SITE}/frueher", before=after(f"ingest --history {SITE}/frueher")),
    _row("lesart unconfirmed --open", '"grade": "wall"', before=after(f"ingest {DAMM}", f"ingest {DAMM}")),
    _row(f"lesart dismiss {DAMM} --by redaktion", "dismissed"),
    _row(f"lesart confirm {DAMM} --undo", "undid 1 decision"),
    _row(f"lesart confirm {DAMM}", "confirmed"),
    _row(f"lesart redact {DAMM} --reason gdpr_erasure --dry-run", "damm"),
    _row(f"lesart redact {DAMM} --restrict --reason gdpr_restriction", '"changed": 1'),
    _row(f"lesart redact {DAMM} --lift", '"changed": 1'),
    _row("lesart redact --list-restricted", ""),
    _row(f"lesart redact {DAMM} --reason gdpr_erasure", ""),
    _row(f"lesart redact {PEOPLE} --addresses --reason gdpr_erasure", "", before=after(f"ingest {PEOPLE}")),
    _row('lesart redact 35xhehswnwa6vc12 --passage "Ada Kern" --reason gdpr_objection', ""),
    _row('lesart redact 35xhehswnwa6vc12 --passage "Ulm" --whole-words --reason gdpr_objection', ""),
    _row('lesart redact 35xhehswnwa6vc12@2 --reason court_order --by "Redaktion, Az. 12/24"', ""),
    _row("lesart redact --list", "court_order"),
    _row('lesart redact-person "Ada Kern" --dry-run', "left_out"),
    _row('lesart redact-person "Ada Kern" --reason gdpr_objection --by eva', "left out of all lists"),
    _row('lesart redact-person "Ada Kern" --undo', "is listed again"),
    _row("lesart source set zeitung --retain-captures 90d", "zeitung", before=after("source add press/elsewhere --name zeitung")),
    _row("lesart redact --retention --dry-run", ""),
    _row("lesart redact --list --format jsonl -o redactions.jsonl", "court_order", into="redactions.jsonl"),
    _row("lesart restore lesart-2024-06-18.sqlite3 --redactions redactions.jsonl", "", role="fresh", before=after("backup lesart-2024-06-18.sqlite3")),
    _row('sqlite3 -readonly lesart-data/lesart.sqlite3 "SELECT * FROM jobs"', "ingest", before=as_file),
)  # fmt: skip
