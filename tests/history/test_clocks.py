"""The knowledge of the archive at a time is its answer at that time, despite later captures."""

import random
from typing import Any

import pytest

from storage.read.archive import open_archive
from tests.flow.driver import Newsroom, hour, page, seed

ADDRESS = "https://hafenkurier.example/{}"
NAMES = ("kai", "mole", "pegel")


def said(room: Newsroom, **then: Any) -> dict[str, Any]:
    with open_archive(room.url) as today:
        archive = today.with_clocks(**then) if then else today
        lines = [line.to_dict() for line in archive.articles()]
        found: dict[str, Any] = {"articles": lines}
        for line in lines:
            name = line["article"]
            found[f"history {name}"] = [each.to_dict() for each in archive.history(name)]
            found[f"seen {name}"] = [each.to_dict() for each in archive.observations(name)]
        found["relations"] = [each.to_dict() for each in archive.relations()]
        return found


def step(room: Newsroom, chance: random.Random, number: int) -> None:
    """Do something to the folder: write, edit, delete, copy, or put in an imported capture."""
    name = chance.choice(NAMES)
    text = f"Der Stand ist {chance.randrange(3)} Meter. Mehr ist nicht bekannt."
    match chance.randrange(5):
        case 0 | 1:
            room.write(f"{name}.txt", seed(f"Vom Hafen: {name}", text))
        case 2 if (room.folder / f"{name}.txt").exists():
            room.remove(f"{name}.txt")
        case 3:
            seen = hour(chance.randrange(30))
            room.write(f"import{number}.md", page(text, url=ADDRESS.format(name), observed_at=seen))
        case _:
            room.write(f"{name}-{number % 2}.md", page(text, url=ADDRESS.format(name)))


@pytest.mark.parametrize(
    "chosen", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 6))]
)
def test_past_knowledge_is_reported_as_it_was_reported_then(room, chosen):
    chance = random.Random(chosen)
    told: dict[float, dict[str, Any]] = {}
    for number in range(10):
        for _ in range(chance.randrange(1, 3)):
            step(room, chance, number)
        room.scan(at=10 + number)
        told[10 + number] = said(room)
    for at, then in told.items():
        assert said(room, known_at=hour(at)) == then, at
