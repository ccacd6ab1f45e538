"""Judge how right pages are read, field by field, beside trafilatura alone."""

import gzip
import json
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import trafilatura
from lxml.etree import XPath
from lxml.html import HtmlElement, HTMLParser, document_fromstring
from trafilatura.settings import Document

from bench.judge.table import Judged, fold_of, gold_of
from storage.values.dates import span
from storage.values.draft import Draft, PartialDate
from worker.text.annotate.bylines import is_agency
from worker.text.annotate.date_lines import dates_in_line
from worker.text.hints import PAGE_VERSION as VERSION
from worker.text.hints import Hints, TextSettings
from worker.text.page import front_page, no_article
from worker.text.page.body import dropped_blocks
from worker.text.page.fields import authors, dates
from worker.text.page.read_page import NAME, read_page
from worker.text.page.scoring import model_from_json

SETS = {
    "html_fundus": "news",
    "html_trafilatura_dach": "by hand",
    "html_wcxb": "all kinds",
    "html_aeb": "news, body",
}
UNSEEN = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
NAME_BREAK = re.compile(r"\s*(?:[,;/]\s*(?:and\s)?|\s(?:und|and|et|&)\s)\s*")
CREDENTIAL = re.compile(r"(?:[A-Z][A-Za-z]{0,5}[.®-]*)+|\d.*")
"""Letters behind a name that a gold names with it: MD, E-RYT 200, CEPF®."""
STATED_HEADLINE = re.compile(r'"headline"\s*:\s*("(?:[^"\\]|\\.){1,500}")')
"""A headline in JSON-LD."""
LABELLED = XPath(
    "//*[@rel='author' or contains(@itemprop, 'author') or contains(@class, 'author')"
    " or contains(@class, 'byline')]"
    "[not(ancestor-or-self::*[contains(@class, 'comment') or contains(@class, 'related')])]"
)
"""What a page labels as naming its author."""
META_AUTHORS = XPath(
    "//meta[contains(@name, 'author') or contains(@property, 'author')]/@content"
    " | //meta[@name='twitter:data1']/@content"
)
STATED_AUTHORS = re.compile(r'"author"\s*:\s*[\[{][^\]}]{0,400}?"name"\s*:\s*"([^"]{2,60})"')
STATED_MODIFIED = re.compile(
    r'(?:"dateModified"\s*:\s*"|modified_time"\s+content=")\d{4}-\d\d-\d\d'
)
_STEM = 5
_LONGEST_LABELLED = 160
OUTLET = re.compile(
    r'og:site_name"[^>]{0,20}content="([^"]{2,60})"|"publisher"\s*:\s*\{[^{}]{0,300}?"name"\s*:\s*"([^"]{2,60})"'
)
"""How a page names its outlet."""
WORD = re.compile(r"\w+")
WEEKDAY = re.compile(
    r"\b(?:mon|tues?|wed|thu|fri|sat|sun|montag|dienstag|mittwoch|freitag)\b", re.IGNORECASE
)
GERMAN = frozenset({"de", "at", "ch", "MallorcaMagazin", "LuxemburgerWort", "Wochenblatt"})
SHINGLE = 4
_SHORT = 3  # letters of a house that may begin a name
GATHERED = "2026-06-01"
"""After every date in the gold of the sets that do not say when their pages were fetched."""
BY_FOLD = Path(__file__).parent / "weights"
"""The weights of each model that were fitted without each of the folds."""
UNUSED = (
    (authors, "authors"),
    (dates, "dates"),
    (dropped_blocks, "dropped_blocks"),
    (front_page, "front_page"),
    (no_article, "no_article"),
)
"""Which module weighs by which model."""


@dataclass(slots=True)
class Reading:
    """What one reader made of one page; `kept` says that it made an article of it."""

    kept: bool = False
    title: str = ""
    authors: tuple[str, ...] = ()
    date: PartialDate | None = None
    text: str = ""
    seconds: float = 0.0


Values = Iterator[tuple[str, float] | tuple[str, float, float]]
"""Field, value, and weight where that is not 1."""


def rules() -> str:
    """Name the rules that are measured."""
    return f"{NAME} {VERSION}, trafilatura {trafilatura.__version__} for reference"


def judge(folder: Path, folds: frozenset[int]) -> Iterator[Judged]:
    """Judge all pages of the folds by both readers, two pages at a time."""
    pages = ((name, row) for name in SETS for row in rows_of(folder, name) if row["fold"] in folds)
    with ProcessPoolExecutor(2) as pool:
        for judged in pool.map(_judge_both, pages, chunksize=8):
            yield from judged


def _judge_both(page: tuple[str, dict[str, Any]]) -> list[Judged]:
    name, row = page
    with unused_weights(row["fold"]):
        readings = {reader: read(row["raw"], row) for reader, read in READERS.items()}
    return [
        judged
        for reader, reading in readings.items()
        for judged in judge_page(name, row, reader, reading)
    ]


@contextmanager
def unused_weights(fold: int) -> Iterator[None]:
    """Weigh meanwhile by the weights that were fitted without a fold."""
    with ExitStack() as weighed:
        for module, name in UNUSED:
            weights = BY_FOLD / f"{name}.json"
            fitted = model_from_json(json.loads(weights.read_text("utf-8"))[str(fold)])
            weighed.enter_context(
                patch.object(module, "load_model", lambda _, fitted=fitted: fitted)
            )
        yield


def rows_of(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the gold of a set with the bytes of each page as `raw`, and its fold."""
    for row in gold_of(folder, name):
        row["fold"] = fold_of(urlsplit(row["url"]).hostname or "")
        row["raw"] = gzip.decompress((folder / row["file"]).read_bytes())
        row["head"] = row["raw"].decode("utf-8", "replace")
        yield row


def judge_page(name: str, row: dict[str, Any], reader: str, reading: Reading) -> Iterator[Judged]:
    """Judge what was read of one page."""
    values: list[Any] = [("kept", float(reading.kept)), *JUDGES[name](reading, row)]
    values.append(("ms", reading.seconds * 1000))
    for field, value, *weight in values:
        yield Judged(SETS[name], field, reader, row["fold"], value, *weight)


def _judge_fundus(reading: Reading, row: dict[str, Any]) -> Values:
    gold_date = row["publishing_date"] and datetime.fromisoformat(row["publishing_date"])
    value = f1(reading.text, body_of(row))
    yield "body", value
    if GERMAN & {row["country"], row["publisher"]}:
        yield "body, German", value
    yield from _judge_headline(plain(reading.title) == plain(row["title"]), row)
    persons = set(map(plain, persons_of(row)))
    ours = {plain(each) for each in reading.authors if not is_agency(each)}
    yield "authors", float(ours == persons)
    yield (
        "authors, raw gold",
        float(set(map(plain, reading.authors)) == set(map(plain, row["authors"]))),
    )
    if persons:
        yield "authors, given", float(ours == persons)
    else:
        yield "silence", float(not ours)
    yield from _judge_names(reading)
    if gold_date:
        same_day, same_minute = _same_time(reading.date, gold_date)
        yield "day", float(same_day)
        yield "minute", float(same_minute)


def body_of(row: dict[str, Any]) -> str:
    """Return the text that the gold gives to a page, empty where it gives none."""
    if "body" not in row:
        return row.get("text") or ""
    parts = [*row["body"]["summary"]]
    for section in row["body"]["sections"]:
        parts += [*section["headline"], *section["paragraphs"]]
    return "\n".join(parts)


def persons_of(row: dict[str, Any]) -> list[str]:
    """Return whom the gold of a page of news names, but for agencies, the outlet and towns.

    The outlet goes by its names and initials in the gold, in the address and on the page. A town
    is what the text of the gold opens with, before the mark of a dateline, or one word behind a
    whole name.
    """
    host = (urlsplit(row["url"]).hostname or "").removeprefix("www.")
    named = [row["publisher"], host, host.split(".")[-2], *OUTLET.findall(row["head"])]
    houses = {_letters("".join(each)).removeprefix("the") for each in named} - {""}
    initials = "".join(filter(str.isupper, row["publisher"]))
    text = plain(body_of(row)).casefold()
    persons = [
        author
        for author in row["authors"]
        if not (_is_house(author, houses, initials) or _opens(text, author))
    ]
    is_whole = bool(persons) and " " in persons[0]
    return [each for each in persons if not is_whole or " " in each]


def _is_house(author: str, houses: set[str], initials: str) -> bool:
    """Return whether the gold names an agency or the outlet, which wrote nothing.

    >>> [_is_house(each, {"bote"}, "KB") for each in ("AFP, LOHE", "KB-Redaktion", "Bote Online")]
    [True, True, True]
    >>> _is_house("Kai Berg", {"bote", "ka"}, "KB")
    False
    """
    key, words = _letters(author), re.split(r"[\s,-]+", author)
    within = any(len(h) > _SHORT and (h in key or h.startswith(key)) for h in houses)
    parts = {_letters(word) for word in words}
    of_agency = is_agency(author) or is_agency(words[0])
    return of_agency or within or bool(houses & parts) or initials in words[:1]


def _opens(text: str, town: str) -> bool:
    """Return whether a text begins with a town and the mark of a dateline.

    >>> _opens("lohe (kb) – am deich", "Lohe"), _opens("ada kern sagt: nein", "Ada Kern")
    (True, False)
    """
    key = plain(town).casefold()
    return text.startswith(key) and text[len(key) :].lstrip()[:1] in {*"(,:./|-–—"}


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", plain(text).casefold())


def _judge_dach(reading: Reading, row: dict[str, Any]) -> Values:
    wanted = sum(_has(reading.text, text) for text in row["with"] or ())
    missing = len(row["with"] or ()) - wanted
    unwanted = sum(_has(reading.text, text) for text in row["without"] or ())
    total = 2 * wanted + missing + unwanted
    if total:
        yield "body (segments)", 2 * wanted / total, total
    yield from _judge_headline(plain(reading.title) == plain(row["title"]), row)
    if row["author"]:
        gold = {plain(name) for name in NAME_BREAK.split(row["author"]) if name.strip()}
        yield "authors, given", float(set(map(plain, reading.authors)) == gold)
    yield from _judge_names(reading)
    if row["date"]:
        day = _day_in_berlin(reading.date) if reading.date else ""
        yield "day, given", float(day == row["date"])


def _judge_wcxb(reading: Reading, row: dict[str, Any]) -> Values:
    yield "body", f1(reading.text, row["text"])
    yield from _judge_headline(_folded(reading.title) == _folded(row["title"]), row)
    if row["author"]:
        yield "one author right", float(one_right(reading.authors, row["author"]))
    else:
        yield "silence", float(not reading.authors)
        labelled = labelled_names(row["head"])
        yield "silence, or labelled", float(all(_letters(a) in labelled for a in reading.authors))
    yield from _judge_names(reading)
    if row["published"]:
        day = reading.date.value[:10] if reading.date else ""
        yield "day, given", float(day == row["published"][:10])
        if is_stated_day(row["published"][:10], row["head"]):
            yield "day, as stated", float(day == row["published"][:10])


def _judge_aeb(reading: Reading, row: dict[str, Any]) -> Values:
    yield "body", f1(reading.text, row["text"])


def _judge_headline(is_right: bool, row: dict[str, Any]) -> Values:  # noqa: FBT001
    yield "headline", float(is_right)
    if not made_for_machines(row["title"], row["head"]):
        yield "headline, as shown", float(is_right)


def made_for_machines(gold: str, page: str) -> bool:
    """Return whether the gold is a title for machines, where readers see another headline.

    The page has one h1, which says the same matter in other words; the gold stands, with or
    without a name of the site behind it, in og:title, twitter:title, JSON-LD or the title tag.
    """
    tree = _tree(page)
    shown = [text for h1 in tree.iter("h1") if (text := _letters(h1.text_content()))]
    stated = [*map(json.loads, STATED_HEADLINE.findall(page)), *tree.xpath("//head/title/text()")]
    for name in ("og:title", "twitter:title"):
        stated += tree.xpath("//meta[@property=$name or @name=$name]/@content", name=name)
    wanted = _letters(gold)
    if len(shown) != 1 or wanted in shown[0] or shown[0] in wanted:
        return False
    said = " ".join(tree.find(".//h1").text_content().casefold().split())
    alike = any(word[:_STEM] in said for word in WORD.findall(gold.casefold()) if word[_STEM - 1 :])
    return alike and any(_letters(unescape(text)).startswith(wanted) for text in stated)


def labelled_names(page: str) -> str:
    """Return the letters of all that a page labels as its author, where it speaks of nobody else.

    >>> labelled_names('<p class="byline">By Ada Kern<p class="comment-author">Bo Lind')
    'byadakern'
    """
    tree = _tree(page)
    texts = (" ".join(element.text_content().split()) for element in LABELLED(tree))
    short = [text for text in texts if len(text) <= _LONGEST_LABELLED]
    return " ".join(map(_letters, [*short, *META_AUTHORS(tree), *STATED_AUTHORS.findall(page)]))


def is_stated_day(gold: str, page: str) -> bool:
    """Return whether a page names the day of the gold, and not for machines as that of a change.

    >>> is_stated_day("2024-05-06", "May 6, 2024"), is_stated_day("2024-05-06", "May 2024")
    (True, False)
    >>> is_stated_day("2024-05-06", '{"dateModified": "2024-05-06T10:00"}')
    False
    """
    if len(gold) < len("2024-05-06"):
        return False
    day = datetime.fromisoformat(gold)
    forms = ("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%d.%m.%Y")
    words = [f"{day:{month}} {day.day}" for month in ("%B", "%b")]
    words += [f"{day.day} {day:{month}}" for month in ("%B", "%b")]
    told = STATED_MODIFIED.sub("", page)
    return any(form in told for form in (*(f"{day:{form}}" for form in forms), *words))


def _tree(page: str) -> HtmlElement:
    return document_fromstring(page.encode("utf-8", "replace"), HTMLParser(encoding="utf-8"))


def _judge_names(reading: Reading) -> Values:
    """Judge whether any author is no name by its look, whatever the gold says."""
    yield "a date as author", float(any(map(_looks_dated, reading.authors)))


def one_right(authors: tuple[str, ...], gold: str) -> bool:
    """Return whether one of the authors is one of the gold, which may add what somebody is.

    >>> one_right(("Ada Kern",), "Ada Kern, MD and Bo Lind"), one_right(("MD",), "Ada Kern, MD")
    (True, False)
    """
    named = [_folded(each) for each in NAME_BREAK.split(gold) if each.strip()]
    names = {each for each in named if not CREDENTIAL.fullmatch(each.upper()) or len(named) == 1}
    names.add(_folded(gold))
    return any(_folded(author) in names for author in authors)


def _ours(raw: bytes, row: dict[str, Any]) -> Reading:
    start = time.process_time()
    draft = read_page(raw, hints_of(row), TextSettings())
    seconds = time.process_time() - start
    return reading_of(draft, seconds) if isinstance(draft, Draft) else Reading(seconds=seconds)


def hints_of(row: dict[str, Any]) -> Hints:
    """Return what is known of a page before it is read."""
    seen = datetime.fromisoformat(row.get("crawl_date") or GATHERED).replace(tzinfo=UTC)
    return Hints("html", row["file"], None, seen + timedelta(hours=9), row["url"])


def reading_of(draft: Draft, seconds: float) -> Reading:
    """Return a draft as what is judged."""
    authors, published = draft.fields.get("authors"), draft.fields.get("published")
    return Reading(
        True,
        draft.title or "",
        tuple(authors.value or ()) if authors else (),
        PartialDate(**published.value) if published and published.value else None,
        "\n".join(draft.text_paragraphs()),
        seconds,
    )


def _theirs(raw: bytes, row: dict[str, Any]) -> Reading:
    start = time.process_time()
    document = trafilatura.bare_extraction(
        raw, url=row["url"], fast=True, with_metadata=True, include_comments=False
    )
    seconds = time.process_time() - start
    if not isinstance(document, Document):
        return Reading(seconds=seconds)
    date = document.date and PartialDate(document.date, "day", None, "trafilatura")
    authors = tuple(each for each in (document.author or "").split("; ") if each)
    text = document.text or ""
    return Reading(True, document.title or "", authors, date or None, text, seconds)


def _day_in_berlin(date: PartialDate) -> str:
    """Return the day that the people who made the gold read on the page."""
    if date.zone and date.precision in ("minute", "second"):
        return span(date)[0].astimezone(ZoneInfo("Europe/Berlin")).date().isoformat()
    return date.value[:10]


def _same_time(date: PartialDate | None, gold: datetime) -> tuple[bool, bool]:
    """Return whether day and minute are right, in the zone of the gold where both name one."""
    if date is None:
        return False, False
    if date.precision not in ("minute", "second"):
        return date.value == gold.date().isoformat(), False
    minute = gold.replace(second=0, microsecond=0)
    if date.zone and gold.tzinfo:
        ours = span(date)[0].astimezone(gold.tzinfo)
        return ours.date() == gold.date(), ours.replace(second=0) == minute
    return date.value[:10] == gold.date().isoformat(), date.value[:16] == gold.isoformat()[:16]


def plain(text: str) -> str:
    """Return a text without what nobody sees, its blanks squeezed."""
    return " ".join(UNSEEN.sub("", unicodedata.normalize("NFC", text)).split())


def _folded(text: str) -> str:
    """Return a text without case and the forms of quotation marks and dashes."""
    for marks, mark in (("‘’‚`´", "'"), ("“”„«»", '"'), ("–—‑", "-"), ("…", "...")):
        text = re.sub(f"[{marks}]", mark, text)
    return plain(text).casefold().strip(" .")


def _looks_dated(name: str) -> bool:
    return bool(any(c.isdecimal() for c in name) and next(dates_in_line(name), None)) or bool(
        WEEKDAY.search(name)
    )


def _has(text: str, segment: str) -> bool:
    return plain(segment) in plain(text)


def f1(ours: str, gold: str) -> float:
    """Return the F1 of runs of four words."""
    found, wanted = _shingles(ours), _shingles(gold)
    shared = sum((found & wanted).values())
    if not shared:
        return float(not found and not wanted)
    precision, recall = shared / found.total(), shared / wanted.total()
    return 2 * precision * recall / (precision + recall)


def shared_share(part: str, gold: str) -> float:
    """Return how much of a part stands in the gold; fewer than four words, as they are."""
    own, wanted = _shingles(part), _shingles(gold)
    if own.total() == 1 and len(next(iter(own))) < SHINGLE:
        return float(
            f" {' '.join(next(iter(own)))} " in f" {' '.join(WORD.findall(gold.casefold()))} "
        )
    return sum((own & wanted).values()) / own.total() if own else 0.0


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = WORD.findall(plain(text).casefold())
    if len(words) < SHINGLE:
        return Counter([tuple(words)] if words else [])
    return Counter(zip(*(words[i:] for i in range(SHINGLE)), strict=False))


READERS: dict[str, Callable[[bytes, dict[str, Any]], Reading]] = {
    "lesart": _ours,
    "reference": _theirs,
}
JUDGES: dict[str, Callable[[Reading, dict[str, Any]], Values]] = {
    "html_fundus": _judge_fundus,
    "html_trafilatura_dach": _judge_dach,
    "html_wcxb": _judge_wcxb,
    "html_aeb": _judge_aeb,
}
