"""Blame of real revision histories, against its definition."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.diff.blame import Stand, blame, find_removed_sentences
from storage.language.sentences import sentences
from storage.values.digest import canonical


def histories(top: Path):
    for folder in sorted(each for each in top.iterdir() if each.is_dir()):
        files = sorted(folder.glob("[0-9]*.txt"), key=lambda path: int(path.stem))
        texts = [path.read_text("utf-8", "replace").split("\n") for path in files]
        yield [
            Stand(
                number,
                None,
                datetime(2024, 6, 18, tzinfo=UTC) + timedelta(hours=number),
                tuple(line for line in text if line.strip()),
            )
            for number, text in enumerate(texts, 1)
        ]


def held_by(stand: Stand) -> list[str]:
    return [
        sentence.strip()
        for paragraph in stand.paragraphs
        for sentence in sentences(canonical(paragraph))
        if sentence.strip()
    ]


@pytest.mark.real
def test_blame_of_every_history_agrees_with_its_definition(real_data):
    told = 0
    for stands in filter(None, histories(real_data / "data" / "wikipedia_versions_en")):
        held = [Counter(held_by(stand)) for stand in stands]
        met: Counter[str] = Counter()
        expected = []
        for sentence in held_by(stands[-1]):
            enough = [count[sentence] > met[sentence] for count in held]
            since = max((i + 1 for i, has in enumerate(enough) if not has), default=0)
            expected.append((sentence, since + 1, any(enough[:since])))
            met[sentence] += 1
        found = blame(stands)
        assert [(f.canon, f.since.number, f.returned) for f in found] == expected
        gone = Counter(each.canon for each in find_removed_sentences(stands))
        everything = held[0].copy()
        for count in held[1:]:
            everything |= count
        assert gone == everything - held[-1]
        told += len(found)
    assert told > 10_000
