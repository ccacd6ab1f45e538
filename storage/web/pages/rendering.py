"""Turn templates into pages: always escaped, in two languages, under a narrow policy."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from storage.capabilities import CAPABILITIES
from storage.capabilities import FOLDER as CAPABILITIES_FOLDER
from storage.read.render.passages import runs
from storage.read.render.translations import LANGUAGES, catalogue, template, translate_message
from storage.read.render.visible import display_text
from storage.values.dates import local_time
from storage.values.draft import PartialDate
from storage.web.archives import language_of
from storage.web.problems import Problem

HERE = Path(__file__).resolve().parents[1]
LINK = re.compile(r"https?://[^\s\"'<>\\]+", re.IGNORECASE)
"""
>>> bool(LINK.fullmatch("https://bote.example/a?b=1")), bool(LINK.fullmatch("javascript:alert(1)"))
(True, False)
"""


def page(
    request: Request, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None,
    **context: Any,
) -> Response:  # fmt: skip
    """Return the page that `template` makes of `context`."""
    language = language_of(request)
    words = PageWords(language, request.app.state.pool.place.timezone)
    text = environment().get_template(template).render(
        **context, t=words.t, words=words, lang=language, here=request.url.path,
        may_write=getattr(request.app.state, "may_write", False), link=Links(request),
        style=_digest("style.css")[:8], script=_read_static("page.js"),
    )  # fmt: skip
    return HTMLResponse(
        text, status, {"Content-Security-Policy": policy(), "Content-Language": language,
                       **(headers or {})},
    )  # fmt: skip


def problem_page(request: Request, problem: Problem) -> Response:
    return page(
        request, "problem.html", status=problem.status, headers=problem.headers, problem=problem
    )


@cache
def policy() -> str:
    """Return the Content-Security-Policy: the script by digest, all else from this server."""
    return (
        "default-src 'none'; "
        f"style-src 'self'; script-src 'sha256-{_digest('page.js')}'; "
        "img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


@cache
def environment() -> Environment:
    """Return the template environment: output is escaped, undefined names are errors."""
    found = Environment(
        loader=FileSystemLoader([HERE / "templates", CAPABILITIES_FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=plain,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["is_link"] = lambda value: isinstance(value, str) and bool(LINK.fullmatch(value))
    found.filters["runs"] = runs
    found.globals["menu"] = [entry for each in CAPABILITIES for entry in each.menu.items()]
    found.globals["change_conditions"] = [
        condition.name for each in CAPABILITIES for condition in each.change_conditions
    ]
    found.globals["article_tabs"] = [tab for each in CAPABILITIES for tab in each.tabs.items()]
    return found


def plain(value: Any) -> Any:
    r"""Return what a template prints: nothing for None; invisible characters made visible.

    >>> plain("ab\u202egnol\x1b[31m")
    'ab⟨U+202E⟩gnol'
    """
    if value is None:
        return ""
    if isinstance(value, (Markup, Undefined)) or not isinstance(value, str):
        return value
    return display_text(value)


def with_commands(text: str) -> Markup:
    """Return escaped text with the parts between backticks as code.

    >>> str(with_commands("see `lesart list <a>`")), str(with_commands("a ` b"))
    ('see <code>lesart list &lt;a&gt;</code>', 'a ` b')
    """
    parts = plain(text).split("`")
    if len(parts) % 2 == 0:
        return escape(plain(text))
    code = Markup("<code>{}</code>")
    return Markup().join(code.format(p) if n % 2 else escape(p) for n, p in enumerate(parts))


_LONGEST_VALUE = 400
ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)")
DATE = re.compile(r"\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d.*)?)?)?")
"""
>>> bool(ISO_TIME.fullmatch("2024-06-18T07:00:00+00:00")), bool(DATE.fullmatch("2024-06"))
(True, True)
"""


def shown_value(value: Any) -> str:
    """Return the value of a field as people read it: a list in a row, a date as it is.

    >>> shown_value(["Ada", "Bo"]), shown_value({"value": "2024-06", "zone": None})
    ('Ada, Bo', '2024-06')
    """
    if isinstance(value, Mapping) and "value" in value:
        value = " ".join(str(part) for part in (value["value"], value.get("zone")) if part)
    if isinstance(value, (list, tuple)):
        value = ", ".join(shown_value(each) for each in value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


class PageWords:
    """The words of one language, and how it writes times and numbers."""

    def __init__(self, language: str, zone: tzinfo) -> None:
        self.language = language
        self._is_german = language == "de"
        self._zone = zone

    def t(self, english: str, **values: Any) -> str:
        """Return the text for an English sentence, with its values; Markup if one of them is."""
        text = template(self.language, english, **values)
        if any(isinstance(value, Markup) for value in values.values()):
            return escape(text).format(**values)
        return text.format(**values) if values else text

    def label(self, kind: str, code: str) -> str:
        """Return the words for a code; the code itself if it has none."""
        return catalogue()[self.language].get(f"{kind} {code}", code)

    def rule_value(self, name: str, value: Any) -> str:
        """Return the value of a condition of an alert."""
        if name == "classes":
            return ", ".join(self.label("class", code) for code in value)
        return self.field(value)

    def message(self, text: str | None) -> Markup:
        """Return a stored message in the language, with its commands as code.

        A message without a translation is marked as English.
        """
        if not text:
            return Markup("")
        translated = translate_message(self.language, text)
        if translated is not None:
            return with_commands(translated)
        return Markup('<span lang="en">{}</span>').format(with_commands(text))

    def place(self, found_in: str) -> str:
        """Return where a value was found; names of fields and markup stay as they are."""
        source, colon, name = found_in.partition(": ")
        return (translate_message(self.language, source) or source) + colon + name

    def day(self, value: date) -> str:
        """Return a day."""
        return value.strftime("%d.%m.%Y" if self._is_german else "%Y-%m-%d")

    def minutes(self, value: datetime) -> str:
        """Return a time to the minute in the zone of the page."""
        return self._minutes(value.astimezone(self._zone))

    def moment(self, value: datetime | None) -> Markup:
        """Return a time as an element that carries it exactly."""
        if value is None:
            return Markup("–")
        local = value.astimezone(self._zone)
        exact = local.isoformat()
        return _TIME.format(exact, self._minutes(local))

    def _minutes(self, local: datetime) -> str:
        return local.strftime("%d.%m.%Y %H:%M" if self._is_german else "%Y-%m-%d %H:%M")

    def date(self, value: PartialDate | None) -> str:
        """Return a date as precise as it is known; a time of day in the zone of the page."""
        if value is None:
            return "–"
        moment = local_time(value, self._zone)
        return self._format_stated_date(value) if moment is None else self._minutes(moment)

    def _format_stated_date(self, value: PartialDate) -> str:
        """Return a date as its source gives it, with its zone."""
        day, _, clock = value.value.partition("T")
        if self._is_german:
            day = ".".join(reversed(day.split("-")))
        return " ".join(filter(None, (day, clock[:5], value.zone if clock else None)))

    def month(self, value: str) -> str:
        """Return a month such as 2024-06 as the language writes it."""
        return ".".join(reversed(value.split("-"))) if self._is_german else value

    def field(self, value: Any) -> str:
        """Return the value of a field; a date with a time also in the zone of its source."""
        if isinstance(value, bool):
            return self.label("answer", str(value).lower())
        if isinstance(value, int | float):
            return self.number(value)
        if isinstance(value, str) and ISO_TIME.fullmatch(value):
            return self.minutes(datetime.fromisoformat(value))
        if isinstance(value, str) and "T" in value and DATE.fullmatch(value):
            value = {"value": value}
        if not isinstance(value, Mapping) or not DATE.fullmatch(str(value.get("value"))):
            return shown_value(value)
        zone = str(value["zone"]) if value.get("zone") else None
        date = PartialDate(value["value"], "second", zone, "")
        stated = self._format_stated_date(date)
        if local_time(date, self._zone) is None or stated == f"{self.date(date)} {zone}":
            return stated
        return f"{self.date(date)} ({stated})"

    def zone(self) -> str:
        """Return the name of the time zone of all times."""
        return str(self._zone)

    def number(self, value: float) -> str:
        """Return a number with separators of thousands, and at most two decimal places."""
        text = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
        return text.translate(_GERMAN_SEPARATORS) if self._is_german else text

    def percent(self, share: float) -> str:
        """Return a share as a percentage."""
        return f"{round(100 * share)} %" if self._is_german else f"{round(100 * share)}%"

    def length(self, least: float | None, most: float | None) -> str:
        """Return a range of durations in seconds, each in its largest unit."""
        lengths = [self._length(each) for each in (least, most) if each is not None]
        return " – ".join(dict.fromkeys(lengths)) or "–"

    def _length(self, seconds: float) -> str:
        for unit, size in UNITS.items():
            if seconds >= size or size == 1:
                number = f"{seconds / size:.1f}".removesuffix(".0")
                return self.t(unit, n=number.replace(".", "," if self._is_german else "."))
        raise AssertionError(seconds)

    def interval(self, after: datetime | None, by: datetime) -> Markup:
        """Return when something changed: never one moment, always two snapshots."""
        if after is None:
            return escape(self.t("first seen {by}", by=self.moment(by)))
        first, last = after.astimezone(self._zone), by.astimezone(self._zone)
        if first.date() != last.date():
            return escape(
                self.t("between {after} and {by}", after=self.moment(after), by=self.moment(by))
            )
        form = "%H:%M" if self._minutes(first) != self._minutes(last) else "%H:%M:%S"
        clocks = [_TIME.format(each.isoformat(), each.strftime(form)) for each in (first, last)]
        return escape(
            self.t(
                "{day}, between {after} and {by}",
                day=self.day(last.date()),
                after=clocks[0],
                by=clocks[1],
            )
        )


_TIME = Markup('<time datetime="{0}" title="{0}">{1}</time>')
_GERMAN_SEPARATORS = str.maketrans(",.", ".,")
UNITS = {"{n} day|{n} days": 86_400, "{n} h": 3_600, "{n} min": 60, "{n} s": 1}
"""Texts of the units of a duration, with their seconds."""


class Links:
    """Addresses of our own pages; a language that was asked for goes along."""

    def __init__(self, request: Request) -> None:
        query = request.query_params.get("lang")
        self._lang = {"lang": query} if query in LANGUAGES else {}
        self._path = request.url.path
        self._given = [(k, v) for k, v in request.query_params.multi_items() if v]

    def __call__(self, path: str, **parameters: Any) -> str:
        """Return the address of a page with parameters, those that are None left out."""
        given = {k: v for k, v in parameters.items() if v not in {None, ""}} | self._lang
        return path + (f"?{urlencode(given)}" if given else "")

    def same(self, path: str | None = None, **changed: Any) -> str:
        """Return the address of this page, or another, with parameters changed, or left out by
        None.
        """
        kept = [(k, v) for k, v in self._given if k not in changed and k != "after"]
        kept += [(k, str(v)) for k, v in changed.items() if v is not None]
        return (path or self._path) + (f"?{urlencode(kept)}" if kept else "")


@cache
def _asset(name: str) -> str:
    return (HERE / "static" / name).read_text("utf-8")


def _read_static(name: str) -> Markup:
    return Markup(_asset(name))  # noqa: S704  # a file of our own


def _digest(name: str) -> str:
    return base64.b64encode(hashlib.sha256(_asset(name).encode()).digest()).decode()
