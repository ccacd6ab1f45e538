"""Documents, docstrings, help, comments and page words avoid phrases that readers stumble over.

The counts are an alarm, not a style guide: a low rate does not prove that a text is clear.
"""

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.values.messages import messages

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = sorted([*(ROOT / "storage").rglob("*.py"), *(ROOT / "worker").rglob("*.py")])
DEFINITIONS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
HELP_CALLS = {"option", "flag", "argument", "setting", "typer"}

PHRASES = re.compile(
    r"\b(?:tells?|told|telling"
    r"|(?:what|whatever|whoever) (?:was|were|is|are|stands?|came|comes?|goes|others|that|it|we|they|he"
    r"|has|have|had|may|can|cannot|no|nobody|only|changed|failed|lies|makes?|made|needs?|takes?|knows?|a|an|the)"
    r"|stands?|stood|standing|beside|anew|once more|else|laid|lays"
    r"|looks? (?:at|again|up|for)|(?:a|one|each|two|every) looks?"
    r"|so (?:many|long|much|far)|no more|(?:came|comes) to|hand(?:s|ed)? (?:in|out|on|over)"
    r"|nobody|somebody|whoever|anybody)\b",
    re.IGNORECASE,
)
RATES = {"documents": 2.0, "docstrings": 2.0, "help": 2.0, "comments": 2.0, "pages": 2.0}
"""Highest number of such phrases per 1,000 words, by kind of text."""

BARE = frozenset(
    [
        "told",
        "said",
        "asked",
        "kept",
        "held",
        "known",
        "given",
        "found",
        "shown",
        "seen",
        "meant",
        "left",
        "gone",
        "taken",
        "came",
        "about",
        "after",
        "before",
        "around",
        "beside",
        "between",
        "behind",
        "by",
        "of",
        "on",
        "at",
        "once",
        "then",
        "since",
        "why",
        "where",
        "whole",
        "alone",
        "own",
        "else",
        "so",
        "thus",
        "also",
        "more",
        "most",
        "least",
        "less",
        "rather",
        "each",
        "every",
        "another",
        "other",
        "same",
        "such",
        "not",
        "or",
        "and",
        "until",
        "within",
        "stood",
        "spent",
        "heard",
        "woken",
    ]
)
HIGHEST_SHARE = 0.04
"""Highest share of functions whose name begins with a participle, preposition or pronoun."""


def documents() -> Iterator[str]:
    for path in (
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "bench").rglob("*.md"),
    ):
        yield re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)


def trees() -> Iterator[ast.Module]:
    for path in PRODUCT:
        yield ast.parse(path.read_text("utf-8"))


def docstrings() -> Iterator[str]:
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, DEFINITIONS):
                yield ast.get_docstring(node) or ""


def help_texts() -> Iterator[str]:
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func).lower() in HELP_CALLS:
                values = [*node.args, *(keyword.value for keyword in node.keywords)]
                yield from (
                    v.value
                    for v in values
                    if isinstance(v, ast.Constant) and isinstance(v.value, str)
                )


def comments() -> Iterator[str]:
    for path in PRODUCT:
        for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline):
            if token.type == tokenize.COMMENT and "noqa" not in token.string:
                yield token.string


def pages() -> Iterator[str]:
    words = tomllib.loads((ROOT / "storage/read/render/words.toml").read_text("utf-8"))
    yield from words["texts"]
    yield from (english for english, _german in messages().values())


def _name(function: ast.expr) -> str:
    return getattr(function, "id", getattr(function, "attr", ""))


@pytest.mark.parametrize("kind", RATES)
def test_texts_use_plain_phrases(kind):
    text = "\n".join(globals()[{"help": "help_texts"}.get(kind, kind)]())
    phrases = PHRASES.findall(text)
    rate = 1000 * len(phrases) / len(text.split())
    assert rate <= RATES[kind], f"{rate:.1f} per 1,000 words"


def test_functions_are_named_by_verbs_and_nouns():
    names = [node.name for tree in trees() for node in ast.walk(tree)
             if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("__")]  # fmt: skip
    first_words = [name.strip("_").split("_")[0] for name in names]
    bare = [word for word in first_words if word in BARE or re.fullmatch(r"\w{3,}(?<!e)ed", word)]
    assert len(bare) / len(names) <= HIGHEST_SHARE, sorted(bare)
