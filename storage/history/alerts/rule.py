"""PURE: which steps an alert fires for, why, and which of them are old news."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta, tzinfo
from functools import cached_property
from typing import Any, Self

from storage.language.tokens import Query, holds, parse_query
from storage.values.change_class import ChangeClass
from storage.values.digest import canonical, canonical_all
from storage.values.outcome import STATES

GONE = "gone"
"""What an alert may ask for beside the classes of changes: that an article went."""
GONE_BEFORE = "not new: this alert reported recently that the article is gone"
Why = tuple[str, ...]
"""Sentences on why an alert fired; they say what was asked for, nothing out of an article."""


@dataclass(frozen=True)
class AlertRule:
    """What a step must be; what is None or empty asks nothing.

    `article` is the id of an article, `languages` are those whose forms of a word the query
    looks for. A passage fires where it goes, changes or comes back, or its article goes.
    """

    query: str | None = None
    classes: tuple[str, ...] = ()
    silent: bool | None = None
    source: str | None = None
    language: str | None = None
    article: str | None = None
    passage: str | None = None
    languages: tuple[str, ...] = ()

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        """Return the rule that was kept as JSON."""
        listed = {name: tuple(kept.get(name) or ()) for name in ("classes", "languages")}
        return cls(**{**kept, **listed})

    @property
    def kept(self) -> dict[str, Any]:
        """Return what is kept of the rule: what it asks for."""
        return {name: value for name, value in asdict(self).items() if value not in (None, ())}

    @cached_property
    def words(self) -> Query:
        return parse_query(self.query or "", self.languages)

    @property
    def wants_first(self) -> bool:
        """Return whether new articles count: where they are named, or a query alone is asked."""
        if self.classes:
            return ChangeClass.FIRST in self.classes
        return self.query is not None and self.passage is None and self.silent is None

    @property
    def wants_absences(self) -> bool:
        """Return whether articles that go count: where that is named, or a passage is quoted."""
        return GONE in self.classes if self.classes else self.passage is not None

    @property
    def wants_text(self) -> bool:
        """Return whether the texts have to be looked at."""
        return self.query is not None or self.passage is not None


@dataclass(frozen=True, slots=True)
class AlertStep:
    """A step to the version with `number` of an article, but for its texts; or its absence.

    It is the `occurrence`-th version there with that wording. `read_at` is the number that its
    verdict has in the record, None where nobody gave one. Where the article went after that
    version, `occurrence` counts its absences down from -1, and `seq` is the number of the check.
    """

    seq: int
    article_id: int
    article: str
    number: int
    wording_id: int
    before_id: int | None
    occurrence: int
    read_at: int | None
    source: str | None
    language: str | None
    classes: tuple[str, ...]
    silent: bool | None

    @property
    def is_absence(self) -> bool:
        return self.occurrence < 0


@dataclass(frozen=True, slots=True)
class StepTexts:
    """Title and paragraphs before a step and after it; nothing before the first version."""

    before: tuple[str, ...]
    after: tuple[str, ...]


def may_fire(rule: AlertRule, step: AlertStep) -> bool:
    """Return whether a step may be what a rule asks for, as far as is known without texts."""
    is_wanted = rule.wants_absences if step.is_absence else step.number > 1 or rule.wants_first
    asked = (
        (rule.silent, step.silent),
        (rule.source, step.source),
        (rule.language, step.language),
        (rule.article, step.article),
    )
    is_class = not rule.classes or bool({*rule.classes} & {*step.classes})
    fits = all(wanted is None or wanted == found for wanted, found in asked)
    return is_wanted and is_class and fits


def fires(rule: AlertRule, step: AlertStep, texts: StepTexts | None) -> Why | None:
    """Return why an alert fires for a step, None where it does not; `texts` where it asks them."""
    if not may_fire(rule, step):
        return None
    why = [f"class {name}" for name in step.classes if name in rule.classes]
    if step.is_absence and not why:
        why.append("the article is gone")
    if rule.silent is not None:
        why.append("silent" if rule.silent else "not silent")
    why += [
        f"{name} {value}"
        for name, value in (
            ("source", rule.source), ("language", rule.language), ("article", rule.article),
        ) if value is not None
    ]  # fmt: skip
    if rule.wants_text:
        found = [_by_query, _by_passage]
        answers = [each(rule, step, texts or StepTexts((), ())) for each in found]
        if None in answers:
            return None
        why += [sentence for sentence in answers if sentence]
    return tuple(why) or ("any change",)


def _by_query(rule: AlertRule, step: AlertStep, texts: StepTexts) -> str | None:
    """Return what the query has to do with a step: nothing is None, nothing asked is empty."""
    if rule.query is None:
        return ""
    if holds(rule.words, texts.after, step.language):
        return f"the text contains {rule.query!r}"
    if holds(rule.words, texts.before, step.language):
        return f"the text no longer contains {rule.query!r}"
    return None


def _by_passage(rule: AlertRule, _step: AlertStep, texts: StepTexts) -> str | None:
    if rule.passage is None:
        return ""
    was, stands = stands_in(rule.passage, texts.before), stands_in(rule.passage, texts.after)
    if was == stands:
        return None
    return "the passage is in the text" if stands else "the passage is no longer in the text"


def stands_in(passage: str, texts: Collection[str]) -> bool:
    """Return whether a passage stands in a text, as the digest of a wording would see it.

    >>> stands_in("sagte: „Es hält“", ['Er  sagte: "Es hält".'])
    True
    """
    return canonical(passage) in " ".join(canonical_all([*texts]))


def gone_since(checks: Iterable[tuple[int, str]]) -> int | None:
    """Return which check found an article gone that was there before; None where it is there.

    `checks` are numbers and outcomes in the order of time; one without an answer says nothing.

    >>> gone_since([(3, "content"), (5, "gone"), (7, "unreachable"), (9, "gone")])
    5
    """
    since = None
    for number, outcome in checks:
        if STATES.get(outcome) == GONE:
            since = since or number
        elif STATES.get(outcome) == "present":
            since = None
    return since


def is_news(step: AlertStep, since: int) -> bool:
    """Return whether a step was read after an alert began; late documents count."""
    return step.read_at is None or step.read_at > since


def damped(step: AlertStep, sent: Collection[int]) -> str | None:
    """Return why a step is told to nobody: its wording stood in what this alert told already.

    `sent` are the wordings before and after the steps of that article that it told lately.
    """
    if step.wording_id not in sent:
        return None
    return "not new: this alert reported the same text recently"


def next_digest(now: datetime, at: str, zone: tzinfo) -> datetime:
    """Return when the digest of HH:MM comes next after `now`.

    >>> from datetime import UTC
    >>> next_digest(datetime(2024, 6, 18, 7, tzinfo=UTC), "07:00", UTC).isoformat()
    '2024-06-19T07:00:00+00:00'
    """
    local = now.astimezone(zone)
    wanted = time.fromisoformat(at)
    day = local.date() if local.time() < wanted else local.date() + timedelta(days=1)
    return datetime.combine(day, wanted, zone)
