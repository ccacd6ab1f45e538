"""A capability is a folder: whatever it left out is named, with the place where it belongs."""

import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from storage.capabilities import CAPABILITIES, module_of
from storage.capabilities.hooks import PARTS, TEMPLATES
from storage.database.view_queries.sql_words import SQLITE
from storage.database.views import VIEWS

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("storage/capabilities", "worker/capabilities", "tests/capabilities")
ELSEWHERE = {
    "alert_sending": {"docs/alerts.md", "CHANGELOG.md", "storage/capabilities/__init__.py"},
    "front_pages": {"docs/front-pages.md", "lesart/views.pyi", "README.md", "CHANGELOG.md",
                    "storage/capabilities/__init__.py"},
    "browser_pages": {"docs/browser.md", "README.md", "CHANGELOG.md", "lesart/views.pyi",
                      "storage/capabilities/__init__.py"},
    "outside_copies": {"docs/outside-copies.md", "lesart/views.pyi", "CHANGELOG.md",
                       "storage/capabilities/__init__.py"},
    "pictures": {"docs/article-pictures.md", "lesart/views.pyi", "CHANGELOG.md",
                 "storage/capabilities/__init__.py"},
    "rights": {"docs/rights.md", "lesart/views.pyi", "CHANGELOG.md",
               "storage/capabilities/__init__.py"},
    "reviews": {"docs/review.md", "lesart/views.pyi", "CHANGELOG.md",
                "storage/capabilities/__init__.py"},
    "quotations": {"docs/quotations.md", "lesart/views.pyi", "CHANGELOG.md",
                   "storage/capabilities/__init__.py"},
    "bundles": {"docs/bundles.md", "CHANGELOG.md", "storage/capabilities/__init__.py"},
    "assistants": {"docs/assistants.md", "CHANGELOG.md", "storage/capabilities/__init__.py"},
    "documents": {"README.md", "CHANGELOG.md", "storage/capabilities/__init__.py"},
    "mementos": {"CHANGELOG.md", "storage/capabilities/__init__.py"},
    "unconfirmed": {"docs/unconfirmed.md", "lesart/views.pyi", "README.md", "CHANGELOG.md",
                    "storage/capabilities/__init__.py"},
}  # fmt: skip
"""The files outside of its folders that a capability may edit: at most six."""
INDEXES = {ROOT / "docs/README.md", ROOT / "docs/commands.md"}
"""Lists of all pages and commands, which tests/docs/test_documented.py compares with the program."""
_LINK = "it links to the page of the capability"
_FIELD = "a promised field of versions and checks, with its type for Python users"
WITHOUT_HOOK = {
    "bundles": dict.fromkeys(("docs/outside-copies.md", "docs/proof.md", "docs/watch.md"), _LINK)
    | {"docs/contributing.md": "a recipe names the module that adds rows"},
    "alert_sending": {
        **dict.fromkeys((
            "docs/administration.md", "docs/article-pictures.md", "docs/http-api.md", "docs/install.md",
            "docs/read.md", "docs/review.md", "docs/unconfirmed.md",
        ), _LINK),
        **dict.fromkeys(("docs/contributing.md", "docs/promises.md"), "they name its folders"),
        **dict.fromkeys(
            ("storage/values/messages.toml", "storage/web/templates/alerts.html"),
            "the core keeps the log of deliveries, which corrections of versions change, and its page",
        ),
    },
    "browser_pages": {
        "docs/article-pictures.md": _LINK, "docs/watch.md": _LINK,
    },
    "front_pages": {
        **dict.fromkeys(("docs/proof.md", "docs/read.md", "docs/redaction.md", "docs/watch.md"), _LINK),
        "docs/sql.md": "rules for several views, which name those that they concern",
        **dict.fromkeys((
            "storage/database/table_facts.py", "storage/database/tables/record.py",
            "storage/write/redaction/description.py", "worker/cli/redact_command.py",
        ), "a redaction and a restriction follow headlines to all places of a text"),
        "storage/read/archive/reader.py": "promised methods for Python users",
    },
    "outside_copies": {
        "docs/administration.md": _LINK, "docs/bundles.md": "a bundle contains its rows", "docs/proof.md": _LINK,
        "docs/redaction.md": _LINK, "docs/watch.md": _LINK,
        "lesart/__init__.py": _FIELD,
        "storage/read/answers.py": _FIELD,
        "storage/read/lists.py": _FIELD,
    },
    "pictures": {
        "storage/read/answers.py": _FIELD, "storage/read/lists.py": _FIELD,
        "docs/administration.md": _LINK, "docs/browser.md": _LINK,
    },
    "rights": {
        "docs/glossary.md": _LINK, "docs/bundles.md": "a bundle contains them", "docs/proof.md": _LINK, "docs/watch.md": _LINK,
        **dict.fromkeys(
            (
                "docs/sql.md", "storage/database/table_facts.py",
                "storage/export/warc.py", "storage/record/observations.py",
                "storage/values/net/rights.py", "storage/values/net/transfer.py",
                "worker/sources/listings/listing.py", "worker/sources/listings/rights_files.py",
                "worker/sources/web_archives/capture.py", "worker/web/fetch.py",
            ),
            "what servers declared is a column of `transfer`, which each answer fills",
        ),
        "storage/read/answers.py": _FIELD, "storage/read/lists.py": _FIELD,
    },
    "reviews": {"docs/python.md": "the example of a list of a capability"},
    "assistants": dict.fromkeys((
        "docs/administration.md", "docs/contributing.md", "docs/http-api.md", "docs/install.md", "docs/sql.md",
    ), _LINK),
    "mementos": {"docs/http-api.md": _LINK},
    "documents": {"docs/watch.md": _LINK, "docs/contributing.md": "a recipe names the module as an example"},
    "quotations": {
        "docs/python.md": "the example of lists of a capability",
        "storage/database/migrations/versions/0020_quotations_by_position.py": "a step of the one chain",
        **dict.fromkeys(
            ("docs/alerts.md", "docs/assistants.md", "docs/read.md", "docs/redaction.md"), _LINK
        ),
        **dict.fromkeys((
            "storage/record/derivation_detail.py", "storage/values/draft.py",
            "storage/verify/shown_texts.py", "storage/write/redaction/passage.py",
            "worker/text/page/wire.py",
        ), "the words between quotation marks are a part of each stored reading"),
        **dict.fromkeys((
            "storage/values/change_class.py", "storage/web/pages/compare.py",
            "storage/web/pages/query_parameters.py",
        ), "a class of changes, and a view of a comparison, show changed quotations"),
    },
    "unconfirmed": {
        "docs/browser.md": _LINK,
        "docs/alerts.md": _LINK, "docs/watch.md": _LINK,
        "docs/sql.md": "an outcome of checks, and a count of jobs",
        **dict.fromkeys((
            "storage/history/versions.py", "storage/values/outcome.py",
            "storage/values/verdict.py", "storage/write/readings/writer.py",
        ), "what is held back is computed before the versions, and is an outcome of a check"),
        **dict.fromkeys((
            "storage/database/view_queries/jobs.py", "storage/values/verdict.py",
        ), "a count of jobs and summaries"),
        **dict.fromkeys(
            ("storage/verify/doctor.py", "worker/cli/summaries.py"),
            "a scan that is held back names the command that confirms it",
        ),
        "storage/read/answers.py": _FIELD,
        **dict.fromkeys((
            "storage/web/pages/front.py",
            "storage/cli/top.py", "storage/read/figures/records.py",
        ), "whoever runs the archive sees at once that something is held back"),
    },
}  # fmt: skip
"""Further files that name a capability, and why no hook serves them.

In code, a string with the name of a capability, of its table, view, scope or kind of pages counts.
"""
FORMS = (
    "`{}`", '"{}"', "capabilities.{}", "capabilities/{}", "/api/{}", "lesart {}", "FROM {}",
)  # fmt: skip
"""How code and documents name a capability or a view, and no other thing of that word.

Names of two words need no form, and name a class, too.
"""
COMMON = {"quotes", "quotations"}
"""Words that documents use, between the first two pairs of marks, for other things too."""
CORE = [
    path
    for room in ("lesart", "storage", "worker")
    for path in (ROOT / room).rglob("*")
    if path.suffix in {".py", ".pyi", ".html", ".toml"}
    and not any(
        path.is_relative_to(ROOT / part / own.name) for part in ROOMS for own in CAPABILITIES
    )
]
"""The files of the program outside of the folders of capabilities."""


@pytest.fixture(params=CAPABILITIES, ids=lambda each: each.name)
def own(request):
    return request.param


def names_of(own) -> re.Pattern[str]:
    """Return a pattern of what other files would name a capability by; its words are free."""
    tables = [table.name for table in (*own.record_tables, *own.state_tables)]
    named = {own.name, *own.views}
    names = {
        own.document, own.name.upper(), *(f"lesart {each.name}" for each in own.commands),
        *(form.format(name) for name in named for form in FORMS[2 * (name in COMMON) :]),
        *(f"{word} {scope}" for word in ("scope", "--scope") for scope in own.scopes),
        *(table.upper() for table in tables), *(f'METADATA.tables["{table}"]' for table in tables),
        *(f"FROM {table}" for table in tables), *(f"JOIN {table}" for table in tables),
        *(name for name in (*named, *tables) if "_" in name),
        *(name.title().replace("_", "") for name in tables if "_" in name),
    }  # fmt: skip
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, names))})(?![\w-])")


@cache
def parse_module(path: Path) -> tuple[set[str], set[str]]:
    """Return the strings of a module, and what it imports as `module.name`."""
    nodes = [*ast.walk(ast.parse(path.read_text("utf-8")))]
    strings = {node.value for node in nodes if isinstance(node, ast.Constant)}
    imported = {
        f"{getattr(node, 'module', '')}.{name.name}".lstrip(".")
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    return {each for each in strings if isinstance(each, str)}, imported


def names_capability(own, path: Path) -> bool:
    """Whether a file names a capability, or a module has a string that is a name of it."""
    tables = {table.name for table in (*own.record_tables, *own.state_tables)}
    names = {own.name, *tables, *own.views, *(kind.name for kind in own.page_kinds)}
    is_told = names_of(own).search(path.read_text("utf-8")) is not None
    return is_told or (path.suffix == ".py" and bool(names & parse_module(path)[0]))


def part_file(own, part: str) -> Path:
    return ROOT / (module_of(own, part).replace(".", "/") + ".py")


def test_each_folder_is_in_the_list_of_capabilities():
    for room in ROOMS:
        folders = {path.parent.name for path in (ROOT / room).glob("*/*.py")}
        missing = folders - {each.name for each in CAPABILITIES}
        assert missing == set(), f"{room}: not in CAPABILITIES of {ROOMS[0]}/__init__.py"


@pytest.mark.parametrize("part", PARTS)
def test_each_part_that_it_names_is_there(own, part):
    path = part_file(own, part).relative_to(ROOT)
    assert (ROOT / path).is_file() == (part in own.parts), f"{path}: name it in `parts`"
    if part in own.parts:
        module = import_module(module_of(own, part))
        described = PARTS[part]
        for name in re.findall(r"`(\w+)`|^([A-Z]+):", described):
            assert hasattr(module, "".join(name)), f"{path}: {described}"
        template = ROOT / ROOMS[0] / getattr(module, "TEMPLATE", "")
        assert template.exists(), f"write {template.relative_to(ROOT)}"


def test_the_facts_load_no_code(own):
    tree = ast.parse((ROOT / ROOMS[0] / own.name / "__init__.py").read_text("utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"storage.capabilities.hooks"}


def test_its_tables_views_and_commands_are_those_of_its_parts(own):
    if "tables" in own.parts:
        made = [row.__tablename__ for row in import_module(module_of(own, "tables")).TABLES]
        assert made == [table.name for table in (*own.record_tables, *own.state_tables)]
    if "view_sql" in own.parts:
        made = [view.name for view in import_module(module_of(own, "view_sql")).VIEWS]
        assert made == [*own.views], f"{ROOMS[0]}/{own.name}/__init__.py: views"
    if own.commands:
        text = part_file(own, "write_command").read_text("utf-8")
        assert [each.name for each in own.commands if f'"{each.name}"' not in text] == []


def test_a_view_reports_the_acts_that_a_correction_of_the_clock_changes(own):
    acts = {table.name for table in own.record_tables if table.acts}
    renewed = [
        table.name
        for table in own.record_tables
        if table.name in acts and not acts & {*table.references.values()}
    ]
    missing = [
        f"{view}: compare its seq with renewal_seq({table!r}, …)"
        for view in own.views
        for table in renewed
        if re.search(rf"\b(FROM|JOIN) {table}\b", query := VIEWS[view].query(SQLITE))
        and f"renewed.table_name = '{table}'" not in query
    ]
    assert missing == [], f"{ROOMS[0]}/{own.name}/view_sql.py"


def test_its_templates_are_stated(own):
    place = ROOT / ROOMS[0] / own.name
    found = {path.name for path in place.glob("*.html")} & TEMPLATES.keys()
    assert found == {*own.templates}, f"{ROOMS[0]}/{own.name}/__init__.py: templates"
    assert {*own.templates} <= TEMPLATES.keys()


def test_a_fact_has_the_part_that_carries_it_out(own):
    assert not own.outgoing or "work" in own.parts, "who sends what is waiting?"
    assert bool(own.source_options) == ("source_options" in own.parts)
    assert bool(own.formats) == ("format_readers" in own.parts)
    assert not (own.tabs or own.menu) or "pages" in own.parts
    assert not own.commands or "write_command" in own.parts
    if "write_command" in own.parts:  # a command of a group is listed by the group
        assert own.commands or "@command(" in part_file(own, "write_command").read_text("utf-8")


@pytest.mark.parametrize(("page", "folder"), [("docs/README.md", ""), ("CHANGELOG.md", "docs/")])
def test_its_document_is_there_and_named(own, page, folder):
    assert (ROOT / "docs" / own.document).is_file(), f"write docs/{own.document}"
    assert f"({folder}{own.document})" in (ROOT / page).read_text("utf-8"), (
        f"{page} does not name docs/{own.document}"
    )


def test_its_rows_are_in_the_archive_with_all_tables(own):
    place = ROOT / "tests/capabilities" / own.name / "fill.py"
    assert place.is_file(), f"{place.relative_to(ROOT)}: put a row into each table"
    tables = [table.name for table in own.record_tables]
    assert [name for name in tables if f'"{name}"' not in place.read_text("utf-8")] == [], (
        place.name
    )


def test_later_rows_are_left_out_of_what_was_known_at_a_time(own):
    timed = [table for table in own.record_tables if table.transfer != "repeated"]  # orders hold
    missing = [table.name for table in timed if table.known_at is None]
    assert missing == [], "known_at: name the column of the time at which a row was recorded"


def test_it_has_a_test(own):
    folder = ROOT / "tests/capabilities" / own.name
    assert [*folder.glob("test_*.py")], f"{folder.relative_to(ROOT)}: use it like a user does"


def test_its_name_occurs_only_in_its_folders_and_the_stated_files(own):
    assert own.name in ELSEWHERE, f"list its files in ELSEWHERE of {Path(__file__).name}"
    assert len(ELSEWHERE[own.name]) <= 6
    allowed = ELSEWHERE[own.name] | WITHOUT_HOOK[own.name].keys()
    files = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
    files = [path for path in files if path not in INDEXES]
    telling = {
        str(path.relative_to(ROOT)) for path in (*files, *CORE) if names_capability(own, path)
    }
    assert sorted(telling - allowed) == [], (
        "state the hook in storage/capabilities/hooks.py instead"
    )
    left = {each for each in allowed if (ROOT / each).is_file()}  # another may be deleted
    assert sorted(left - telling) == [], "edited no more: take it out of ELSEWHERE"


def test_the_core_imports_no_capability():
    names = "|".join(each.name for each in CAPABILITIES)
    folders = re.compile(rf"(storage|worker)\.capabilities\.({names})\b", re.IGNORECASE)
    importing = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in CORE
        if path.suffix == ".py" and path != ROOT / ROOMS[0] / "__init__.py"
        for name in parse_module(path)[1]
        if folders.match(name)
    }
    assert sorted(importing) == [], "ask `load_parts` for the part of each capability"
