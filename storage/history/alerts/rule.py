"""PURE: which changes match an alert, why, and which of them are not new."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import cached_property
from typing import Any, Self

from storage.capabilities import CAPABILITIES
from storage.language.tokens import Query, holds, parse_query
from storage.values.change_class import NO_EDIT, ChangeClass
from storage.values.digest import canonical, canonical_all
from storage.values.messages import message_text
from storage.values.outcome import STATES

GONE = "gone"
"""The class of absences, which an alert accepts in addition to the classes of changes."""
GONE_BEFORE = message_text("gone_again")
SELECTS = {each.name: each.selects for own in CAPABILITIES for each in own.change_conditions}
"""What the conditions of capabilities select: changes or texts."""
CONDITIONS = tuple(SELECTS)
Condition = tuple[str, str]
"""The name of such a condition, and a value."""
Why = tuple[str, ...]
"""The reasons for a match; they state the rule, and nothing from an article."""


@dataclass(frozen=True)
class AlertRule:
    """Conditions that a change must meet; None or an empty value is no condition.

    `article` is the id of an article, `languages` are those whose word forms the query matches.
    A passage matches if it is removed, changed or restored, or if its article is gone. New entries
    of a live blog match if their class is listed, or with a query or passage that they contain.
    `recorded` are conditions of capabilities. One on a change matches when its value is recorded;
    one on texts matches a change by its text before or after, and new entries that bring it.
    """

    query: str | None = None
    classes: tuple[str, ...] = ()
    silent: bool | None = None
    source: str | None = None
    language: str | None = None
    article: str | None = None
    passage: str | None = None
    languages: tuple[str, ...] = ()
    recorded: tuple[Condition, ...] = ()

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        """Return the rule stored as JSON."""
        listed = {name: tuple(kept.get(name) or ()) for name in ("classes", "languages")}
        own = {name: value for name, value in kept.items() if name not in CONDITIONS}
        recorded = tuple((name, each) for name in CONDITIONS for each in kept.get(name) or ())
        return cls(**{**own, **listed}, recorded=recorded)

    @property
    def kept(self) -> dict[str, Any]:
        """Return the rule as JSON: its conditions."""
        given = {**asdict(self), **self.recorded_values}
        del given["recorded"]
        return {name: value for name, value in given.items() if value not in (None, ())}

    @property
    def recorded_values(self) -> dict[str, tuple[str, ...]]:
        """Return the values of each condition of a capability."""
        return {
            name: tuple(value for each, value in self.recorded if each == name)
            for name in CONDITIONS
        }

    @property
    def marks(self) -> tuple[Condition, ...]:
        """Return the recorded conditions on a change."""
        return tuple(each for each in self.recorded if SELECTS[each[0]] == "changes")

    @property
    def in_texts(self) -> tuple[Condition, ...]:
        """Return the conditions of capabilities on texts."""
        return tuple(each for each in self.recorded if SELECTS[each[0]] == "texts")

    @cached_property
    def words(self) -> Query:
        return parse_query(self.query or "", self.languages)

    @property
    def wants_first(self) -> bool:
        """Check whether new articles match: if they are a listed class, or the only conditions
        are on what a text contains.
        """
        if self.classes:
            return ChangeClass.FIRST in self.classes
        is_on_text = self.query is not None or bool(self.in_texts)
        return is_on_text and self.passage is None and self.silent is None

    @property
    def wants_absences(self) -> bool:
        """Check whether absences match: if they are a listed class, or there is a passage."""
        return GONE in self.classes if self.classes else self.passage is not None

    @property
    def wants_text(self) -> bool:
        """Check whether matching needs the texts, or what capabilities found in them."""
        return self.query is not None or self.passage is not None or bool(self.in_texts)


@dataclass(frozen=True, slots=True)
class AlertStep:
    """A change to the version with `number` of an article, without its texts; or an absence.

    It is the `occurrence`-th version with that wording. `read_at` is the id of its verdict,
    None if there is none. For an absence after that version, `occurrence` counts the absences
    down from -1, and `seq` is the number of the check.
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
    recorded: Condition | None = None

    @property
    def is_absence(self) -> bool:
        return self.occurrence < 0

    @property
    def is_new_entry(self) -> bool:
        """Check whether the step only adds entries to a live blog, which is no edit."""
        return self.classes == NO_EDIT


@dataclass(frozen=True, slots=True)
class StepTexts:
    """Title and paragraphs before and after a change; nothing before the first version.

    `found` counts what meets a condition in both texts.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    found: Mapping[Condition, tuple[int, int]] = field(default_factory=dict)


def may_match(rule: AlertRule, step: AlertStep) -> bool:
    """Check whether a change may match a rule, without its texts."""
    is_wanted = rule.wants_absences if step.is_absence else step.number > 1 or rule.wants_first
    asked = (
        (rule.silent, step.silent),
        (rule.source, step.source),
        (rule.language, step.language),
        (rule.article, step.article),
    )
    is_class = bool({*rule.classes} & {*step.classes})
    if not rule.classes:
        is_class = rule.wants_text or not step.is_new_entry
    fits = all(wanted is None or wanted == found for wanted, found in asked)
    if (step.recorded is not None or rule.marks) and step.recorded not in rule.marks:
        return False
    return is_wanted and is_class and fits


def fires(rule: AlertRule, step: AlertStep, texts: StepTexts | None) -> Why | None:
    """Return why a change matches an alert, None if it does not; `texts` only if the rule needs
    them.
    """
    if not may_match(rule, step):
        return None
    why = [message_text("alert_class", name=name) for name in step.classes if name in rule.classes]
    if step.is_absence and not why:
        why.append(message_text("article_gone"))
    if rule.silent is not None:
        why.append(message_text("silent") if rule.silent else message_text("not_silent"))
    if step.recorded is not None:
        label, text = step.recorded
        why.append(message_text("labelled", label=label, text=text))
    why += [
        message_text(name, name=value)
        for name, value in (
            ("of_source", rule.source), ("of_language", rule.language),
            ("of_article", rule.article),
        ) if value is not None
    ]  # fmt: skip
    if rule.wants_text:
        found = [_query_reasons, _passage_reasons, _condition_reasons]
        answers = [each(rule, step, texts or StepTexts((), ())) for each in found]
        if None in answers:
            return None
        why += [sentence for sentence in answers if sentence]
    return tuple(why) or (message_text("any_change"),)


def _query_reasons(rule: AlertRule, step: AlertStep, texts: StepTexts) -> str | None:
    """Return the reasons from the query: None if it does not match, empty if there is no query."""
    if rule.query is None:
        return ""
    if step.is_new_entry:
        new = tuple(each for each in texts.after if each not in {*texts.before})
        is_found = holds(rule.words, new, step.language)
        return message_text("entry_contains", query=rule.query) if is_found else None
    if holds(rule.words, texts.after, step.language):
        return message_text("text_contains", query=rule.query)
    if holds(rule.words, texts.before, step.language):
        return message_text("text_lost", query=rule.query)
    return None


def _passage_reasons(rule: AlertRule, _step: AlertStep, texts: StepTexts) -> str | None:
    if rule.passage is None:
        return ""
    was, stands = (
        contains_passage(rule.passage, texts.before),
        contains_passage(rule.passage, texts.after),
    )
    if was == stands:
        return None
    return message_text("passage_back") if stands else message_text("passage_gone")


def _condition_reasons(rule: AlertRule, step: AlertStep, texts: StepTexts) -> str | None:
    """Return the conditions on texts that are met: at least one of each name."""
    why = {name: "" for name, _value in rule.in_texts}
    for name, value in rule.in_texts:
        before, after = texts.found.get((name, value), (0, 0))
        is_met = after > before if step.is_new_entry else before or after
        if is_met and not why[name]:
            why[name] = message_text("labelled", label=name, text=value)
    return None if "" in why.values() else "; ".join(why.values())


def contains_passage(passage: str, texts: Collection[str]) -> bool:
    """Check whether a text contains a passage, in the normalised form of wording digests.

    >>> contains_passage("sagte: „Es hält“", ['Er  sagte: "Es hält".'])
    True
    """
    return canonical(passage) in " ".join(canonical_all([*texts]))


def find_absence(checks: Iterable[tuple[int, str]]) -> int | None:
    """Return the check that found an existing article gone; None if it is online.

    `checks` are numbers and outcomes in chronological order; checks without an answer are ignored.

    >>> find_absence([(3, "content"), (5, "gone"), (7, "unreachable"), (9, "gone")])
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
    """Check whether a change was read after an alert was created; late documents are included."""
    return step.read_at is None or step.read_at > since


def damped(step: AlertStep, sent: Collection[int]) -> str | None:
    """Return why a change is damped: the alert reported a change with the same wording before.

    `sent` are the wordings before and after the recently reported changes of the article.
    """
    if step.wording_id not in sent:
        return None
    return message_text("text_again")


def next_digest(now: datetime, at: str, zone: tzinfo) -> datetime:
    """Return the time of the next digest at HH:MM after `now`.

    A time that comes twice, at the end of summer time, counts when it comes first.

    >>> next_digest(datetime(2024, 6, 18, 7, tzinfo=UTC), "07:00", UTC).isoformat()
    '2024-06-19T07:00:00+00:00'
    """
    day, wanted = now.astimezone(zone).date(), time.fromisoformat(at)
    found = datetime.combine(day, wanted, zone)
    if found.astimezone(UTC) <= now:  # times of one zone would be compared without their offsets
        found = datetime.combine(day + timedelta(days=1), wanted, zone)
    return found
