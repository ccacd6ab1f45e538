"""Pictures as SVG, drawn on the server, each with a text that says the same."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from markupsafe import Markup

from storage.read.answers import Observation, VersionLine
from storage.read.figures.records import Coverage, EditHour
from storage.web.pages.rendering import PageWords

WIDTH = 720
NARROW = 360
STRIP = 320
_LEAST, _MOST_CROSSES = 26.0, 60


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """A part of a time line: a version, or the gap before the next one."""

    kind: str
    start: datetime
    end: datetime
    number: int = 0


def time_line(
    versions: Sequence[VersionLine],
    observations: Iterable[Observation],
    href: str,
    words: PageWords,
) -> Markup:
    """Draw a time line of versions, the gaps between them, snapshots and absences.

    Widths grow with the logarithm of the duration, so that hours and years fit into one picture.
    """
    spans, observations = _spans(versions), [*observations]
    scale = _Scale(spans)
    parts = [_span(scale, span, href, words) for span in spans]
    parts += _marks(scale, observations, words)
    title = words.t(
        "Timeline of versions ({n}) and checks ({m}); not to scale",
        n=words.number(len(versions)), m=words.number(sum(each.checks for each in observations)),
    )  # fmt: skip
    return _svg(title, 64, Markup("").join(parts), role="group")


def version_strip(
    versions: Sequence[VersionLine],
    pair: tuple[int, int],
    address: Callable[[str], str],
    words: PageWords,
) -> Markup:
    """Draw the edits in order: words added as a bar up, words removed as a bar down.

    Each bar leads to the comparison with the version before; `address` returns the address of a
    pair such as "1..2". The edits between the two versions of `pair` are marked.
    """
    edits = versions[1:]
    most = max((max(each.words_added, each.words_removed) for each in edits), default=0) or 1
    step = min(STRIP / max(len(edits), 1), 28.0)
    parts = []
    for index, each in enumerate(edits):
        up, down = (
            2 + 26 * math.sqrt(number / most) if number else 0.0
            for number in (each.words_added, each.words_removed)
        )
        label = words.t(
            "version {n}, {moment}; words: +{added} −{removed}",
            n=each.version, moment=words.minutes(each.changed_by),
            added=words.number(each.words_added), removed=words.number(each.words_removed),
        )  # fmt: skip
        parts.append(
            Markup(
                '<a href="{0}" aria-label="{1}"{2}><title>{1}</title>'
                '<rect class="back" x="{3:.1f}" y="0" width="{4:.1f}" height="62"/>'
                '<rect class="more" x="{3:.1f}" y="{5:.1f}" width="{4:.1f}" height="{6:.1f}"/>'
                '<rect class="less" x="{3:.1f}" y="31" width="{4:.1f}" height="{7:.1f}"/></a>'
            ).format(
                address(f"{each.version - 1}..{each.version}"), label,
                Markup(' class="in"') if pair[0] < each.version <= pair[1] else "",
                index * step + 1, max(step - 2, 1.0), 31 - up, up, down,
            )
        )  # fmt: skip
    days = [words.minutes(each.changed_by) for each in (edits[0], edits[-1])] if edits else []
    for x, anchor, day in zip((0, STRIP), ("start", "end"), days[: len(edits)], strict=False):
        text = Markup('<text x="{}" y="76" text-anchor="{}">{}</text>')
        parts.append(text.format(x, anchor, day))
    title = words.t("Edits of the article in order: words added and removed")
    return _svg(title, 80, Markup("").join(parts), STRIP, role="group")


def bars(counts: Mapping[date, int], until: date, days: int, words: PageWords) -> Markup:
    """Draw how many there were on each of the last `days` days."""
    first = until - timedelta(days=days - 1)
    most = max([*counts.values(), 1])
    step = NARROW / days
    parts = []
    for index in range(days):
        day = first + timedelta(days=index)
        number = counts.get(day, 0)
        high = 2.0 if not number else 4 + 56 * number / most
        kind = "bar" if number else "none"
        parts.append(
            Markup(
                '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
                "<title>{}: {}</title></rect>"
            ).format(
                kind,
                index * step,
                62 - high,
                max(step - 2, 1),
                high,
                words.day(day),
                words.number(number),
            )
        )
    parts.append(Markup('<text x="0" y="76">{}</text>').format(words.day(first)))
    end = Markup('<text x="{}" y="76" text-anchor="end">{}</text>')
    parts.append(end.format(NARROW, words.day(until)))
    title = words.t("Edits per day, last {n} days", n=days)
    return _svg(title, 80, Markup("").join(parts), NARROW)


def heat(rows: Sequence[Coverage], until: datetime, hours: int, words: PageWords) -> Markup:
    """Draw the number of checks of a source in each of the last hours."""
    known = {each.hour: each for each in rows}
    last = until.replace(minute=0, second=0, microsecond=0)
    first = last - timedelta(hours=hours - 1)
    step = WIDTH / hours
    parts = []
    for index in range(hours):
        hour = first + timedelta(hours=index)
        found = known.get(hour)
        answered, checks = (found.answered, found.checks) if found else (0, 0)
        parts.append(
            f'<rect class="{_heat(found)}" x="{index * step:.2f}" y="0" width="{step:.2f}" '
            f'height="20"><title>{words.minutes(hour)}: {answered}/{checks}</title></rect>'
        )
    title = words.t("Checks per hour in the last seven days: answered/all")
    return _svg(title, 20, Markup("".join(parts)))  # noqa: S704  # numbers and words of our own


def hours(rows: Sequence[EditHour], until: datetime, number: int, words: PageWords) -> Markup:
    """Draw how many edits were first seen in each of the last hours, as bars."""
    known = {each.hour: each.edits for each in rows}
    last = until.replace(minute=0, second=0, microsecond=0)
    first = last - timedelta(hours=number - 1)
    most = max([*known.values(), 1])
    step = WIDTH / number
    parts = [
        Markup(
            '<rect class="bar" x="{:.2f}" y="{:.1f}" width="{:.2f}" height="{:.1f}">'
            "<title>{}: {}</title></rect>"
        ).format(
            step * ((hour - first) // timedelta(hours=1)), 52 - 48 * edits / most,
            max(step - 0.6, 1), 48 * edits / most, words.minutes(hour), words.number(edits),
        )
        for hour, edits in sorted(known.items())
        if first <= hour <= last
    ]  # fmt: skip
    days = [words.minutes(each).split(" ")[0] for each in (first, last)]
    parts.append(Markup('<text x="0" y="66">{}</text>').format(days[0]))
    title = words.t("Edits per hour, last seven days")
    ends = Markup('<text x="{}" y="66" text-anchor="end">{}</text>')
    return _svg(title, 70, Markup("").join([*parts, ends.format(WIDTH, days[1])]))


def spread(seen: Sequence[tuple[str, datetime]], title: str) -> Markup:
    """Draw when each member of a cluster was seen first, one below the other."""
    first, last = min(each[1] for each in seen), max(each[1] for each in seen)
    length = max((last - first).total_seconds(), 1.0)
    parts = []
    for index, (name, moment) in enumerate(seen):
        x = 12 + (WIDTH - 24) * (moment - first).total_seconds() / length
        y = 14 + index * 22
        anchor = "start" if x < WIDTH * 0.6 else "end"
        parts.append(
            Markup(
                '<line class="thin" x1="12" y1="{1}" x2="{0:.1f}" y2="{1}"/>'
                '<circle class="bar" cx="{0:.1f}" cy="{1}" r="5"/>'
                '<text x="{2:.1f}" y="{3}" text-anchor="{4}">{5}</text>'
            ).format(x, y, x + (10 if anchor == "start" else -10), y + 4, anchor, name)
        )
    return _svg(title, 10 + 22 * len(seen), Markup("").join(parts))


def _svg(title: str, height: int, inner: Markup, width: int = WIDTH, role: str = "img") -> Markup:
    return Markup(
        '<svg class="picture" role="{4}" aria-label="{2}" viewBox="0 0 {0} {1}" '
        'preserveAspectRatio="xMinYMin meet">{3}</svg>'
    ).format(width, height, title, inner, role)


def _spans(versions: Sequence[VersionLine]) -> list[TimeSpan]:
    spans: list[TimeSpan] = []
    for version in versions:
        if spans and version.changed_by > spans[-1].end:
            spans.append(TimeSpan("gap", spans[-1].end, version.changed_by))
        start = version.changed_by if not spans else max(version.changed_by, spans[-1].end)
        spans.append(
            TimeSpan("version", start, max(version.last_seen, version.changed_by), version.version)
        )
    return spans


class _Scale:
    """Horizontal scale; widths grow with the logarithm of the duration."""

    def __init__(self, spans: Sequence[TimeSpan]) -> None:
        weights = [
            (_LEAST + 22 * max(len(str(span.number)) - 2, 0) if span.kind == "version" else 8.0)
            + 12 * math.log1p((span.end - span.start).total_seconds() / 600)
            for span in spans
        ]
        factor = WIDTH / (sum(weights) or 1.0)
        self.widths = [each * factor for each in weights]
        self.spans = spans
        self.starts = [sum(self.widths[:index]) for index in range(len(spans))]

    def of(self, span: TimeSpan) -> tuple[float, float]:
        """Return where a span starts, and how wide it is."""
        index = self.spans.index(span)
        return self.starts[index], self.widths[index]

    def at(self, moment: datetime) -> float:
        """Return the horizontal position of a time."""
        for span, start, width in zip(self.spans, self.starts, self.widths, strict=True):
            if moment <= span.end:
                length = (span.end - span.start).total_seconds() or 1.0
                share = max(0.0, (moment - span.start).total_seconds() / length)
                return start + width * min(share, 1.0)
        return float(WIDTH)


def _span(scale: _Scale, span: TimeSpan, href: str, words: PageWords) -> Markup:
    x, width = scale.of(span)
    if span.kind == "gap":
        return Markup('<line class="gap" x1="{:.1f}" y1="26" x2="{:.1f}" y2="26"/>').format(
            x + 1, x + width - 1
        )
    label = f"{span.number}: {words.minutes(span.start)} – {words.minutes(span.end)}"
    return Markup(
        '<a href="{0}/{1}" aria-label="{4}"><rect class="version" x="{2:.1f}" y="12" '
        'width="{3:.1f}" height="28" rx="4"><title>{4}</title></rect>'
        '<text class="number" x="{5:.1f}" y="31" text-anchor="middle">{1}</text></a>'
    ).format(href, span.number, x + 1, max(width - 2, 4), label, x + width / 2)


def _marks(
    scale: _Scale, observations: Iterable[Observation], words: PageWords
) -> Iterator[Markup]:
    """Yield one path with a tick for each check, and a cross with a title for each failure."""
    ticks, crosses = set(), []
    for each in observations:
        x = min(max(scale.at(each.observed_at), 2.0), WIDTH - 2.0)
        if each.outcome in {"content", "unchanged", "not_modified"}:
            ticks.add(round(x))
        else:
            label = words.label("outcome", each.outcome)
            crosses.append((x - 4, f"{words.minutes(each.observed_at)} {label}"))
    path = "".join(f"M{x} 46v10" for x in sorted(ticks))
    yield Markup('<path class="snapshot" d="{}"/>').format(path)
    shape = Markup('<path class="absent" d="M{:.1f} 47l8 8m0 -8l-8 8"><title>{}</title></path>')
    yield from (shape.format(*each) for each in crosses[-_MOST_CROSSES:])


def _heat(coverage: Coverage | None) -> str:
    if coverage is None or not coverage.checks:
        return "none"
    if coverage.failed or coverage.barred:
        return "bad" if not coverage.answered else "half"
    return "good"
