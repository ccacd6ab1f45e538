"""A text with a number has a singular and a plural: in both languages, and with 0, 1 and 2."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from storage.read.render.translations import catalogue, template
from storage.values.messages import choose_plural, messages
from worker.cli.checks.report_verification import CHECKED

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = sorted([*(ROOT / "storage").rglob("*.py"), *(ROOT / "worker").rglob("*.py")])
NOUNS = (
    "addresses|alerts|articles|captures|changes|checks|decisions|deliveries|documents|edits|entries"
    "|files|jobs|pages|places|quotations|readings|records|refusals|rows|sources|texts|versions"
)
"""What Lesart counts."""
NOUN = re.compile(rf" (?:[a-z]+ )?(?P<noun>{NOUNS})\b")
"""What follows a number in an f-string: a noun in the plural, perhaps after an adjective."""
TWO_FORMS = re.compile(r"[^|\n]*\{n\}[^|\n]*\|[^|\n]*\{n\}[^|\n]*")
LOGS = (
    "storage/verify/",
    "storage/export/",
    "storage/capabilities/bundles/",
    "storage/proof/",
    "storage/history/",
    "worker/text/",
)
"""Findings about damage and logs: their sentences name two numbers that contradict each other."""
LEFT_OUT = {
    "storage/cli/options.py": "a suffix precedes the noun",
    "storage/cli/proof_commands.py": "a log is signed with more than one entry",
    "storage/database/archive_errors.py": "the name of a place precedes the noun",
    "storage/read/lists.py": "the name of a class precedes the noun",
    "worker/cli/checks/rederive.py": "a row of figures",
    "worker/cli/ingest/families.py": "a line of progress",
}
"""Modules with such words, and why they are right there."""


def texts() -> Iterator[tuple[str, str, str]]:
    """Yield each text that has two forms: where it is, in English and in German."""
    german = catalogue()["de"]
    yield from ((each, each, german[each]) for each in german if "|" in each)
    for name, (english, other) in messages().items():
        if "|" in english or "|" in other:
            yield name, english, other
    yield from ((name, each, each) for name, each in CHECKED.items())
    for path in PRODUCT:
        text = path.read_text("utf-8")
        for each in ast.walk(ast.parse(text)) if "{n}" in text else ():  # parsing all takes seconds
            value = getattr(each, "value", None) if isinstance(each, ast.Constant) else None
            if isinstance(value, str) and TWO_FORMS.fullmatch(value):
                yield f"{path.name}:{each.lineno}", value, value


@pytest.mark.parametrize(("place", "english", "german"), [*texts()])
def test_one_has_the_singular_and_all_other_numbers_the_plural(place, english, german):
    for text in (english, german):
        one, many = text.split("|") if "|" in text else (text, text)  # as in "Treffer"
        forms = [choose_plural(text, {"n": number}) for number in (0, 1, 2, "1", "1.000")]
        assert forms == [many, one, many, one, many]
        assert set(re.findall(r"\{\w+", one)) <= set(re.findall(r"\{\w+", many)), place


def test_a_sentence_of_a_page_is_singular_for_one_in_both_languages():
    text = "{n} version|{n} versions"
    found = {
        lang: [template(lang, text, n=n).split(" ")[1] for n in (0, 1, 2)] for lang in ("en", "de")
    }
    assert found == {
        "en": ["versions", "version", "versions"], "de": ["Fassungen", "Fassung", "Fassungen"],
    }  # fmt: skip


def test_all_that_verify_counts_has_two_forms():
    assert {name for name, words in CHECKED.items() if words.count("|") != 1} == set()


def plurals(tree: ast.AST) -> Iterator[str]:
    """Yield each noun in the plural that follows a value in an f-string."""
    for each in ast.walk(tree):
        parts = each.values if isinstance(each, ast.JoinedStr) else []
        for number, after in pairwise(parts):
            is_number = isinstance(number, ast.FormattedValue) and isinstance(after, ast.Constant)
            found = NOUN.match(after.value) if is_number else None
            if found:
                yield found["noun"]


def test_no_text_of_the_code_has_a_plural_alone():
    found = set()
    for path in PRODUCT:
        place = path.relative_to(ROOT).as_posix()
        is_log = place.startswith(LOGS) and not place.endswith("doctor.py")
        if not is_log and place not in LEFT_OUT:
            found |= {f"{place}: {noun}" for noun in plurals(ast.parse(path.read_text("utf-8")))}
    assert found == set(), 'write quantity("{n} row|{n} rows", number)'
    assert [*plurals(ast.parse('f"{number} rows are new"'))] == ["rows"]
