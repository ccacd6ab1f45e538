"""No pattern of the product takes more than a bounded time per letter, for any text."""

import ast
import re
import tracemalloc
from importlib import import_module

import pytest

from storage.values import lazy
from tests.patterns.product import compiled, modules, patterns, tree
from tests.patterns.pump import growth, shapes

pytestmark = pytest.mark.starts_first

CALLS = {"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer", "compile"}


@pytest.mark.slow
def test_time_grows_no_faster_than_the_text():
    too_fast = [
        f"{name} {pattern.pattern!r}.{method} of {shape}: {told}"
        for name, (pattern, methods) in sorted(patterns().items())
        for method in sorted(methods)
        for shape in shapes(pattern)
        if (told := growth(pattern, method, shape))
    ]
    assert too_fast == []


OF_ESCAPED_WORDS = {
    "storage.language.passage", "storage.read.render.translations",
}  # fmt: skip
"""Modules that make patterns of passages, templates or phrases, whose words they escape."""


@pytest.mark.slow
def test_all_patterns_are_found():
    """Each in a module's top level is; none is made later, but with a word of the text in it."""
    assert len(patterns()) > 250
    made = [
        f"{module.__name__}:{node.lineno}"
        for module in modules()
        if module is not lazy and module.__name__ not in OF_ESCAPED_WORDS
        for function in ast.walk(tree(module))
        if isinstance(function, (ast.FunctionDef, ast.Lambda))
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in CALLS
        and "attr='escape'" not in ast.dump(node)
    ]
    assert made == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"^\s*(?:<!--.{0,2000}?-->\s*)*<\w+>", "match"),
        (r"^([a-zA-Z]{2,3})(?:[-_][\w-]+)*$", "match"),
        (r"(?:a|aa)+$", "fullmatch"),
        (r"\w+@\w+", "finditer"),
        (r"\d{4}.*?von", "finditer"),
    ],
)
def test_a_pattern_that_grows_too_fast_is_reported(pattern, method):
    compiled = re.compile(pattern, re.DOTALL)
    assert any(growth(compiled, method, shape) for shape in shapes(compiled))


@pytest.mark.parametrize("pattern", [r"(?:(?<!\s)\s++)?,\s*+", r"[a-z]{1,300}z", r"<[^<>]*+>?"])
def test_a_pattern_with_a_linear_bound_passes(pattern):
    compiled = re.compile(pattern)
    assert not [s for s in shapes(compiled) if growth(compiled, "finditer", s)]


REPEATED: dict[str, tuple[str, str | bytes]] = {
    "storage.capabilities.quotations.statements._WORD": ("match", "1."),
    "storage.language.folded_names._WORD": ("match", "a'"),
    "storage.language.sentences.DOTTED": ("fullmatch", "a."),
    "storage.language.tokens._SHAPE": ("fullmatch", "w"),
    "storage.read.render.passages.NUMBER": ("match", "1."),
    "storage.record.contents.codes._PERCENT": ("match", "%00"),
    "storage.record.contents.unpack._MAIL_START": ("match", b"Z:\n"),
}
"""Patterns with a repeated group over foreign texts of any length, and what the group repeats."""


@pytest.mark.parametrize("name", REPEATED)
def test_a_repeated_group_over_a_long_text_keeps_no_repetition(name):
    method, repeated = REPEATED[name]
    module, _, attribute = name.rpartition(".")
    pattern, text = compiled(getattr(import_module(module), attribute)), repeated * 100_000
    tracemalloc.start()
    try:
        getattr(pattern, method)(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < len(text), f"{peak / len(text):.0f} bytes for each character"
