"""Every command, option, setting, code, flag, view and table is documented, and no others are."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from storage.capabilities import CAPABILITIES
from storage.cli import exits
from storage.database.table_facts import RECORD
from storage.database.tables.metadata import METADATA
from storage.database.views import COLUMNS, VIEWS
from storage.settings import SETTINGS
from storage.values.change_class import ChangeClass
from storage.values.refusals import REFUSALS
from storage.verify.verify import CHECKS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
ROW = re.compile(r"^\| (.+?) \|$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


def section(page: str, heading: str) -> str:
    """Return the part of `page` below `heading`, up to the next heading of its level or above."""
    text = (DOCS / page).read_text("utf-8")
    found = next(each for each in HEADING.finditer(text) if each[2] == heading)
    after = [each for each in HEADING.finditer(text, found.end()) if len(each[1]) <= len(found[1])]
    return text[found.end() : after[0].start() if after else len(text)]


def of_capabilities(heading: str) -> str:
    """Return the sections with this heading in the pages of the capabilities that have one."""
    pages = {each.document for each in CAPABILITIES}
    has = [
        page
        for page in pages
        if re.search(f"^#+ {heading}$", (DOCS / page).read_text(), re.MULTILINE)
    ]
    return "".join(section(page, heading) for page in sorted(has))


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each row of the tables in `text`, headings and rules left out."""
    for match in ROW.finditer(text):
        cells = [cell.replace(r"\|", "|").strip() for cell in re.split(r" \| ", match[1])]
        if not set(cells[0]) <= {"-", "|"}:
            yield cells


def named(text: str) -> list[str]:
    """Return the code in the first cell of each row."""
    return [name for cells in rows(text) for name in CODE.findall(cells[0])]


def test_each_promise_names_a_command_that_exists_and_each_repair_its_test():
    for *_promise, commands in rows((DOCS / "promises.md").read_text("utf-8")):
        for word in " ".join(CODE.findall(commands)).split():
            if word.startswith("tests."):
                place = ROOT / word.replace(".", "/")
                assert (place / "__main__.py").exists() or place.with_suffix(".py").exists(), word
            elif word.startswith("tests/"):
                assert (ROOT / word).exists(), word
    written = "".join(each.read_text("utf-8") for each in (ROOT / "tests").rglob("test_*.py"))
    results = (ROOT / "bench" / "results" / "reliability.md").read_text("utf-8")
    for name in re.findall(r"`(test_\w+)`", results):
        assert f"def {name}(" in written, name


def flags() -> set[str]:
    """Return the flags on the codes page."""
    return set(named(section("codes.md", "Flags"))) - {"flag"}


def command_names() -> set[str]:
    from worker.cli import commands as cli

    def walk(command: object, words: tuple[str, ...]) -> Iterator[str]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield " ".join(words)
        else:
            for name, each in inner.items():
                yield from walk(each, (*words, name))

    return set(walk(typer.main.get_command(cli.app), ("lesart",)))


def test_the_classes_of_a_change_are_documented_as_their_table_states():
    listed = [cells for cells in rows(section("read.md", "Compare versions")) if len(cells) == 2]
    assert listed[1:] == [[f"`{each}`", each.document] for each in ChangeClass]


def test_the_codes_page_documents_every_refusal_as_the_program_does():
    told = {CODE.findall(code)[0]: (sentence, hint) for code, sentence, hint in
            (cells for cells in rows(section("codes.md", "Refusals")) if cells[0] != "code")}  # fmt: skip
    assert told == REFUSALS


def test_every_flag_that_is_documented_is_set_somewhere():
    product = "".join(path.read_text("utf-8") for room in ("storage", "worker")
                      for path in (ROOT / room).rglob("*.py"))  # fmt: skip
    assert [flag for flag in flags() if f'"{flag}"' not in product] == []


def test_every_setting_is_documented_with_its_default_and_meaning():
    told = {CODE.findall(cells[0])[0]: (cells[1], cells[2]) for cells in
            rows(section("settings.md", "All settings")) if cells[0] != "setting"}  # fmt: skip
    there = {
        f"LESART_{key.upper()}": (f"`{s.default}`" if s.default else "—", s.meaning)
        for key, s in SETTINGS.items()
    }
    assert told == there


def test_every_command_is_documented_and_no_other():
    told = section("commands.md", "All commands")
    assert set(named(told)) >= command_names()
    first = {CODE.findall(cells[0])[0] for cells in rows(told) if cells[0] != "command"}
    assert first == command_names()


def test_every_exit_code_is_documented():
    told = {cells[0] for cells in rows(section("commands.md", "Exit codes"))} - {"code"}
    assert told == {
        str(code)
        for code in (
            exits.SUCCESS, exits.NO, exits.WRONG_USE, exits.NO_SUCH, exits.UNCHECKED,
            exits.INTERNAL, exits.INTERRUPTED,
        )
    }  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_documented_with_all_its_columns(view):
    told = named(of_capabilities(view) or section("sql.md", view))
    assert set(told) ^ {*COLUMNS[view]} == set()
    assert len(told) == len(COLUMNS[view])


def test_every_view_has_a_key_that_is_documented():
    told = section("sql.md", "Replicate the archive with `seq`") + of_capabilities("Key")
    keys = {
        view: tuple(name.strip() for name in CODE.findall(cells[1])[0].split(","))
        for cells in rows(told)
        for view in CODE.findall(cells[0])
    }
    assert keys == {name: view.key for name, view in VIEWS.items()}


def test_every_table_of_the_record_is_documented_and_no_other():
    tables = section("sql.md", "The record") + of_capabilities("The record")
    assert set(named(tables)) >= set(RECORD)
    first = {name for cells in rows(tables) for name in CODE.findall(cells[0])}
    assert first == set(RECORD)


def test_every_table_of_the_state_is_documented():
    told = named(section("sql.md", "The state") + of_capabilities("The state"))
    assert set(METADATA.tables) - set(RECORD) <= set(told)


def test_every_check_of_verify_is_documented_in_its_order():
    assert named(section("proof.md", "Verify")) == [name for name, _check in CHECKS]


def test_the_index_names_every_page():
    text = (DOCS / "README.md").read_text("utf-8")
    pages = {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    assert [page for page in sorted(pages) if f"({page}" not in text] == []
