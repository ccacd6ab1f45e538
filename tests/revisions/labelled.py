"""Labelled revisions: what people see in the steps between captures, and what the archive tells.

A case is a base document, and edits that lead from capture to capture; each step says of which
classes it is and whether the page owns up to it, or that it is noise. The captures go the way that
the product goes: files, imported with the time they were seen, read, kept.
"""

import random
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from storage.values.dates import iso_utc
from tests.flow.driver import Newsroom
from worker.flow.order import target_at

HERE = Path(__file__).parent
FIRST_SEEN = datetime(2024, 7, 1, 6, tzinfo=UTC)
NOT_A_LETTER = re.compile(r"[^a-z0-9]+")
SILENT = {True: True, False: False, "unknown": None, None: None}


@dataclass(frozen=True)
class Capture:
    """One document as it was readable at one time, under one address."""

    address: str
    seen: datetime
    name: str
    text: str


@dataclass(frozen=True)
class Step:
    """The changes that a person sees in the step to a capture; `classes` are empty for noise."""

    case: str
    file: str
    capture: Capture
    classes: frozenset[str]
    silent: bool | None
    noise: tuple[str, ...]
    notice_of: int | None

    @property
    def is_noise(self) -> bool:
        return not self.classes


@dataclass(frozen=True)
class Told:
    """The report of the archive about a step: None for `classes` where it made no version."""

    step: Step
    classes: frozenset[str] | None
    silent: bool | None
    notices: tuple[Any, ...]


@dataclass
class Score:
    """How often the archive reports the changes that a person sees."""

    wording_steps: int = 0
    noise_steps: int = 0
    missed: list[Told] = field(default_factory=list)
    noisy: list[Told] = field(default_factory=list)
    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    misclassed: list[Told] = field(default_factory=list)
    silent_right: int = 0
    silent_wrong: list[Told] = field(default_factory=list)
    silent_lost: list[Told] = field(default_factory=list)
    silence_confused: list[Told] = field(default_factory=list)
    notices_asked: int = 0
    notices_wrong: list[Told] = field(default_factory=list)

    def class_f1(self, name: str | None = None) -> float:
        """Return F1 over all pairs of step and class, or of one class alone."""
        counts = (
            sum(c.values()) if name is None else c[name]
            for c in (self.right, self.wrong, self.lost)
        )
        right, wrong, lost = counts
        return 2 * right / (2 * right + wrong + lost) if right else 0.0

    @property
    def silent_precision(self) -> float:
        return self.silent_right / max(1, self.silent_right + len(self.silent_wrong))

    @property
    def silent_recall(self) -> float:
        return self.silent_right / max(1, self.silent_right + len(self.silent_lost))


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of the file and each case of it."""
    for path in sorted((HERE / "cases").glob("*.toml")):
        for case in tomllib.loads(path.read_text("utf-8"))["case"]:
            yield path.stem, case


def labelled(seed: int = 1) -> tuple[list[Capture], list[Step]]:
    """Return all captures in the order in which they were seen, and the steps to judge."""
    chance = random.Random(seed)
    captures: list[Capture] = []
    steps: list[Step] = []
    for file, case in cases():
        _take(file, case, chance, captures, steps)
    return captures, steps


def _take(
    file: str,
    case: dict[str, Any],
    chance: random.Random,
    captures: list[Capture],
    steps: list[Step],
) -> None:
    host = f"{NOT_A_LETTER.sub('-', case['id'].lower())}.example"
    address = f"https://{host}/artikel"
    last = FIRST_SEEN + timedelta(days=len(case["step"]) + 1)
    for number, other in enumerate(case.get("others", ())):
        text = _edited(_base(other["base"]), other["edit"], case["id"])
        seen = last if case.get("late") else FIRST_SEEN
        captures.append(
            _capture(f"https://{host}/{number}", seen, other["base"], text, host, chance)
        )
    text = _base(case["base"])
    captures.append(_capture(address, FIRST_SEEN, case["base"], text, host, chance))
    for number, step in enumerate(case["step"], start=1):
        text = _edited(text, step["edit"], case["id"])
        seen = FIRST_SEEN + timedelta(days=number)
        captures.append(_capture(address, seen, case["base"], text, host, chance))
        if not step.get("setup"):
            steps.append(
                Step(
                    case["id"], file, captures[-1], frozenset(step.get("classes", ())),
                    SILENT[step.get("silent")], tuple(step.get("noise", ())), step.get("notice_of"),
                )
            )  # fmt: skip


def _base(name: str) -> str:
    return (HERE / "bases" / name).read_text("utf-8")


def _edited(text: str, edits: Sequence[tuple[str, str]], case: str) -> str:
    for old, new in edits:
        found = text.count(old)
        assert found == 1, f"{case}: {old!r} stands there {found} times"
        text = text.replace(old, new)
    return text


def _capture(
    address: str, seen: datetime, base: str, text: str, host: str, chance: random.Random
) -> Capture:
    """Return a capture with parts that differ at each request."""
    text = text.replace("{{host}}", host)
    while "{{nonce}}" in text:
        text = text.replace("{{nonce}}", f"{chance.getrandbits(64):016x}", 1)
    key = chance.randrange(1, 255)
    hidden = bytes([key, *(byte ^ key for byte in b"hinweise@lohebote.example")]).hex()
    return Capture(address, seen, base, text.replace("{{cfemail}}", hidden))


def bring(room: Newsroom, captures: Sequence[Capture]) -> None:
    """Import captures in their order, as one job."""
    places = []
    for number, capture in enumerate(captures):
        name = f"r{number}/{capture.name}"
        path = room.write(name, capture.text, room.root / "revisions")
        places.append(
            target_at(
                room.archive, room.settings, str(path),
                origin=capture.address, observed_at=capture.seen,
            )
        )  # fmt: skip
    room.now = FIRST_SEEN + timedelta(days=60)
    counts = room.worked(room.ordered(places))
    assert counts.refused == counts.failed == 0, counts


def told(room: Newsroom, steps: Sequence[Step]) -> list[Told]:
    """Return the report of the archive about each step."""
    query = (
        "SELECT a.origin, c.changed_by, c.changes, c.silent, c.notices FROM changes c "
        "JOIN articles a ON a.article = c.article"
    )
    found = {(row["origin"], row["changed_by"]): row for row in room.rows(query)}
    answers = []
    for step in steps:
        row = found.get((step.capture.address, iso_utc(step.capture.seen)))
        if row is None:
            answers.append(Told(step, None, None, ()))
        else:
            silent = None if row["silent"] is None else bool(row["silent"])
            notices = tuple(row["notices"])
            answers.append(Told(step, frozenset(row["changes"]), silent, notices))
    return answers


def score(answers: Sequence[Told]) -> Score:
    """Compare the report with the labels."""
    found = Score()
    for answer in answers:
        if answer.step.is_noise:
            found.noise_steps += 1
            if answer.classes is not None:
                found.noisy.append(answer)
        else:
            found.wording_steps += 1
            _score_change(found, answer)
    return found


def _score_change(found: Score, answer: Told) -> None:
    step = answer.step
    if answer.classes is None:
        found.missed.append(answer)
    told_classes = answer.classes or frozenset()
    found.right.update(told_classes & step.classes)
    found.wrong.update(told_classes - step.classes)
    found.lost.update(step.classes - told_classes)
    if told_classes != step.classes:
        found.misclassed.append(answer)
    if answer.silent is True and step.silent is True:
        found.silent_right += 1
    elif answer.silent is True:
        found.silent_wrong.append(answer)
    elif step.silent is True:
        found.silent_lost.append(answer)
    if answer.silent is not step.silent:
        found.silence_confused.append(answer)
    if step.notice_of is not None:
        found.notices_asked += 1
        if [notice["version"] for notice in answer.notices] != [step.notice_of]:
            found.notices_wrong.append(answer)
