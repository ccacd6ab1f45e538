"""A model of what follows a commit: every interleaving of its steps is tried.

Two texts that are near copies are kept, each noted as due. Whoever follows lays the traces of one
under a lock and strikes it off the list; he may die at any step, and another takes it up. One text
may be redacted meanwhile. Broken twins must fail, or the model proves nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

TEXTS = frozenset({0, 1})
REDACTED = 0


@dataclass(frozen=True, slots=True)
class Follower:
    """Who lays traces: of which text, his next step, whether it is still due, whom he met."""

    text: int | None = None
    step: int = 0
    is_due: bool = False
    holders: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class World:
    """The stored and due texts, the traces and their pairs, and the state of the redaction."""

    kept: frozenset[int] = frozenset()
    due: frozenset[int] = frozenset()
    traces: frozenset[int] = frozenset()
    have_met: bool = False
    lock: int | None = None
    followers: tuple[Follower, Follower] = (Follower(), Follower())
    redaction: int = 0
    saw_traces: bool = False

    def put(self, who: int, follower: Follower, **changes: object) -> "World":
        followers = (*self.followers[:who], follower, *self.followers[who + 1 :])
        return replace(self, followers=followers, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Rules:
    """The steps of laying traces and of redacting a text."""

    laying: tuple[str, ...] = ("lock", "look", "commit")
    redacting: tuple[str, ...] = ("order", "strike", "see", "empty")


def followed(world: World, rules: Rules, who: int) -> Iterator[World]:
    """Yield the worlds after the next step of a follower, or after its death."""
    follower, lock = world.followers[who], None if world.lock == who else world.lock
    if follower.text is None:
        yield from (world.put(who, Follower(text)) for text in world.due)
        return
    yield world.put(who, Follower(), lock=lock)
    on, own = replace(follower, step=follower.step + 1), frozenset({follower.text})
    match rules.laying[follower.step]:
        case "lock" if world.lock is None:
            yield world.put(who, on, lock=who)
        case "look":
            is_due = follower.text in world.due
            yield world.put(who, replace(on, is_due=is_due, holders=world.traces))
        case "look at traces alone":
            yield world.put(who, replace(on, is_due=True, holders=world.traces))
        case "commit" if follower.is_due:
            yield world.put(
                who, Follower(), lock=lock, due=world.due - own, traces=world.traces | own,
                have_met=world.have_met or bool(follower.holders - own),
            )  # fmt: skip


def redacted(world: World, rules: Rules) -> Iterator[World]:
    """Yield the worlds after the next step of the redaction, or after its restart."""
    if world.redaction == len(rules.redacting):
        return
    on, own = replace(world, redaction=world.redaction + 1), frozenset({REDACTED})
    match rules.redacting[world.redaction]:
        case "order" if own <= world.kept:
            yield on
        case "strike" if world.lock is None:
            yield replace(on, due=world.due - own)
        case "see":
            yield replace(on, saw_traces=own <= world.traces)
        case "empty":
            yield replace(on, traces=world.traces - own if world.saw_traces else world.traces)
    if world.redaction > 1:
        yield replace(world, redaction=1)


def is_right(world: World) -> bool:
    """Return whether a world in which nothing is left to do is as it should be."""
    if world.redaction:
        return world.traces == TEXTS - {REDACTED}
    return world.traces == TEXTS and world.have_met


def is_at_rest(world: World, rules: Rules) -> bool:
    return (
        world.kept == TEXTS
        and not world.due
        and world.redaction in {0, len(rules.redacting)}
        and all(each.text is None for each in world.followers)
    )


def is_ever_wrong(rules: Rules) -> bool:
    """Return whether any interleaving ends wrong; some must end at all."""
    met, waiting, rests = {World()}, [World()], 0
    while waiting:
        world = waiting.pop()
        if is_at_rest(world, rules):
            rests += 1
            if not is_right(world):
                return True
        after = [
            replace(world, kept=world.kept | {text}, due=world.due | {text})
            for text in TEXTS - world.kept
        ]
        after += [each for who in (0, 1) for each in followed(world, rules, who)]
        after += redacted(world, rules)
        fresh = set(after) - met
        met |= fresh
        waiting += fresh
    assert rests > 0
    return False


def test_every_text_leaves_its_traces_once_meets_its_copy_and_goes_when_it_is_redacted():
    assert not is_ever_wrong(Rules())


@pytest.mark.parametrize(
    "rules",
    [
        Rules(laying=("look", "commit")),
        Rules(laying=("lock", "look at traces alone", "commit")),
        Rules(redacting=("order", "see", "empty")),
        Rules(redacting=("order", "see", "strike", "empty")),
    ],
    ids=["no lock", "the list is not asked", "nothing is struck off", "struck off too late"],
)
def test_a_broken_twin_loses_a_copy_or_leaves_traces(rules):
    assert is_ever_wrong(rules)
