"""Limits of a document: number of paragraphs and size of the metadata."""

import json

import pytest

from storage.values.draft import Draft
from storage.values.refusals import RefusalReason
from tests.text.cases import hints
from worker.text.formats.metadata import MAX_CHARACTERS, MAX_VALUES
from worker.text.hints import MAX_PARAGRAPHS, TextSettings
from worker.text.read import read_document

TEXT = "Der Pegel der Lohe stieg in der Nacht."


def read_as(kind: str, raw: bytes) -> Draft | RefusalReason:
    return read_document(raw, hints(kind), TextSettings())


def text_of(kind: str, paragraphs: int) -> bytes:
    if kind == "json":
        return json.dumps({"title": "Pegel", "text": ["a"] * paragraphs}).encode()
    return b"# Pegel\n\n" + b"a\n\n" * paragraphs


@pytest.mark.parametrize("kind", ["seed", "markdown", "json"])
def test_too_many_paragraphs_are_refused(kind):
    outcome = read_as(kind, text_of(kind, MAX_PARAGRAPHS + 1))
    assert isinstance(outcome, RefusalReason)
    assert outcome.code == "too_many_paragraphs"
    assert str(MAX_PARAGRAPHS) in outcome.message


def test_the_maximum_number_of_paragraphs_is_read():
    assert isinstance(read_as("json", text_of("json", MAX_PARAGRAPHS)), Draft)


@pytest.mark.parametrize(
    "more", [{"many": [{"a": 1}] * MAX_VALUES}, {"long": "a" * (MAX_CHARACTERS + 1)}]
)
def test_excessive_metadata_is_dropped_and_the_text_is_read(more):
    record = {"title": "Pegel", "author": "Ada Kern", "text": TEXT, "short": 1, **more}
    outcome = read_as("json", json.dumps(record).encode())
    assert isinstance(outcome, Draft)
    assert "metadata_truncated" in outcome.flags
    assert outcome.text_paragraphs() == (TEXT,)
    assert {"authors", "short"} <= set(outcome.fields)
    assert not set(more) & set(outcome.fields)
