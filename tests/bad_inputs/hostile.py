"""Hostile files: each small to write, and expensive to read carelessly."""

import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

MEGABYTE = 1_000_000
HEADER = b" date 2024-06 Pegel der Lohe\n\n"
WORDS = "Der Pegel der Lohe stieg in der Nacht um drei Zentimeter, sagte die Wehr."


@dataclass(frozen=True)
class Hostile:
    """A file by its name, how it is made, and how it may end.

    `ends` are codes of refusals, or `taken`; an input may end in one of several ways where it
    depends on the machine which bound it meets first.
    """

    name: str
    make: Callable[[], bytes]
    ends: tuple[str, ...]
    type: str | None = None


HEAVY = ("resource_time", "resource_memory")
ANY = (*HEAVY, "taken")
"""Where it depends on the machine whether a bound is met."""
MANY = ("too_many_paragraphs", *HEAVY)


def page(body: str, head: str = "") -> bytes:
    return (
        f"<!DOCTYPE html><html lang=de><head><meta charset=utf-8><title>Pegel</title>{head}</head>"
        f"<body><article><h1>Pegel der Lohe</h1><p>{WORDS}</p>{body}</article></body></html>"
    ).encode()


def record(**more: object) -> bytes:
    return json.dumps({"title": "Pegel", "date": "2024-06", "text": WORDS, **more}).encode()


def _front_matter_of_aliases() -> bytes:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return ("---\n" + "\n".join(rows) + f"\n---\n\n{WORDS}\n").encode()


def _zip(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", ".", 1), content)
    return packed.getvalue()


def _random_bytes(length: int) -> bytes:
    return random.Random(7).randbytes(length)


def _distinct_words(length: int) -> bytes:
    words, total, number = [], 0, 0
    while total < length:
        words.append(
            f"wort{number:x}lohe{number * 7919 % 999_983:x}"
            + (".\n\n" if number % 90 == 89 else "")
        )
        total += len(words[-1]) + 1
        number += 1
    return HEADER + " ".join(words).encode()


def _feed(items: int) -> bytes:
    rows = "".join(
        f"<item><title>M{n}</title><link>https://h.example/{n}</link></item>" for n in range(items)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>H</title>{rows}</channel></rss>'.encode()


def _laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return (
        f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "ha">{entities}]>'
        '<rss version="2.0"><channel><title>&l9;</title></channel></rss>'
    ).encode()


def _sitemap(entries: int) -> bytes:
    rows = "".join(f"<url><loc>https://h.example/{n}</loc></url>" for n in range(entries))
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>'.encode()


def _nested_gzip() -> bytes:
    packed = b"0" * (50 * MEGABYTE)
    for _ in range(5):
        packed = gzip.compress(packed, 9, mtime=0)
    return packed


def _ld(content: str) -> str:
    return f'<script type="application/ld+json">{content}</script>'


HOSTILE = (
    # ------------------------------------------------------------------ plain text
    Hostile("zero_width.txt", lambda: HEADER + "\u200b\n\n".encode() * 400_000, (*MANY, "no_body")),
    Hostile("letters.txt", lambda: HEADER + b"a\n\n" * 200_000, MANY),
    Hostile("quotes_open.txt", lambda: HEADER + "„Ja ".encode() * 1_000_000, ANY),
    Hostile("quotes_many.txt", lambda: HEADER + "„Ja“, sagte er. ".encode() * 400_000, ANY),
    Hostile("sentences.txt", lambda: HEADER + b"Es kam a. b. c. Dr. X. 3. Mai. " * 300_000, ANY),
    Hostile(
        "combining.txt",
        lambda: HEADER + b"a" + "\u0300\u0316".encode() * 1_500_000,
        ("resource_time",),
    ),
    Hostile(
        "zalgo.txt", lambda: HEADER + ("a" + "\u0301\u0323\u0316" * 50 + " ").encode() * 40_000, ANY
    ),
    Hostile(
        "dates.txt",
        lambda: HEADER + b"3.2.2024, 18. Juni 2024, 2024-06-18 13:04 Uhr\n\n" * 300_000,
        MANY,
    ),
    Hostile("one_line.txt", lambda: HEADER + b"x" * (19 * MEGABYTE), ANY),
    Hostile("blanks.txt", lambda: HEADER + b"a" + b" " * (19 * MEGABYTE) + b"b.", ANY),
    Hostile("words.txt", lambda: _distinct_words(19 * MEGABYTE), ANY),
    Hostile(
        "notices.txt",
        lambda: HEADER + b"Korrektur: In einer frueheren Version stand 3.\n\n" * 200_000,
        MANY,
    ),
    Hostile("latin.txt", lambda: HEADER + ("Gänse über Öl, " * 1_200_000).encode("cp1252"), ANY),
    Hostile("wide.txt", lambda: (HEADER.decode() + WORDS * 130_000).encode("utf-16-le"), ANY),
    Hostile(
        "half_broken.txt", lambda: HEADER + b"Pegel \xc3\xa4 \xff " * 1_500_000, ("binary", *HEAVY)
    ),
    Hostile("noise.txt", lambda: _random_bytes(19 * MEGABYTE), ("binary",)),
    # ------------------------------------------------------------------ Markdown
    Hostile("rules.md", lambda: b"***\n" * 1_500_000, ("empty", *HEAVY)),
    Hostile("brackets.md", lambda: b"# P\n\n" + b"[" * 1_000_000, ANY),
    Hostile("links.md", lambda: b"# P\n\n" + b"[a](b) " * 1_000_000, ANY),
    Hostile("emphasis.md", lambda: b"# P\n\n" + b"*a_ **b__ " * 500_000, ANY),
    Hostile("quoted_deep.md", lambda: b"# P\n\n" + b">" * 2_000_000 + b" a", ANY),
    Hostile("list_deep.md", lambda: b"# P\n\n" + b"- " * 500_000 + b"a", ANY),
    Hostile("list_long.md", lambda: b"# P\n\n" + b"1. a\n" * 1_000_000, MANY),
    Hostile(
        "ticks.md", lambda: b"# P\n\n" + b"".join(b"`" * n + b" " for n in range(1, 4_000)), ANY
    ),
    Hostile("aliases.md", _front_matter_of_aliases, ("front_matter_invalid",)),
    Hostile(
        "yaml_deep.md",
        lambda: b"---\na: " + b"[" * 100_000 + b"\n---\n\nText.\n",
        ("front_matter_invalid",),
    ),
    Hostile(
        "yaml_keys.md",
        lambda: (
            b"---\n" + b"".join(b"k%d: 1\n" % n for n in range(25_000)) + b"---\n\nDer Pegel.\n"
        ),
        ANY,
    ),
    # ------------------------------------------------------------------ JSON, JSON lines, CSV
    Hostile("objects.json", lambda: record(more=[{"a": 1}] * 1_900_000), ANY),
    Hostile("keys.json", lambda: record(**{f"k{n}": n for n in range(900_000)}), ANY),
    Hostile("paragraphs.json", lambda: record(text=["a"] * 2_000_000), MANY),
    Hostile("deep.json", lambda: b'{"text": ' + b"[" * 9_000_000 + b"}", ("record_invalid",)),
    Hostile(
        "escapes.json", lambda: b'{"title": "P", "text": "' + b"\\ud83d" * 3_000_000 + b'"}', ANY
    ),
    Hostile("lines.jsonl", lambda: b"{}\n" * 5_000, ("rows_without_text",)),
    Hostile(
        "line.jsonl",
        lambda: b'{"text": "' + b"a" * (40 * MEGABYTE) + b'"}\n' + record() + b"\n",
        ("too_large",),
    ),
    Hostile(
        "columns.csv",
        lambda: b"title,text" + b",x" * 1_000_000 + b"\nP,Der Pegel" + b",y" * 1_000_000 + b"\n",
        (*ANY, "too_large"),
    ),
    Hostile(
        "open_quote.csv",
        lambda: b'title,text\nP,"' + b"Der Pegel.\n" * 4_000_000,
        ("too_large", "record_invalid"),
    ),
    # ------------------------------------------------------------------ pages
    Hostile("spans.html", lambda: page("<p>" + "<span>a</span> " * 400_000 + "</p>"), ANY),
    Hostile("deep.html", lambda: page("<div>" * 500_000 + "a"), ("extraction_empty", *HEAVY)),
    Hostile("unclosed.html", lambda: page("<b><i>a" * 200_000), ("extraction_empty", *HEAVY)),
    Hostile(
        "table.html",
        lambda: page("<table>" + ("<tr>" + "<td>a</td>" * 20 + "</tr>") * 60_000 + "</table>"),
        ANY,
    ),
    Hostile(
        "links.html",
        lambda: page("".join(f"<a href=/{n}>Zeile {n}</a>" for n in range(300_000))),
        ANY,
    ),
    Hostile(
        "attributes.html",
        lambda: page("<p " + " ".join(f"a{n}=1" for n in range(900_000)) + ">a</p>"),
        ANY,
    ),
    Hostile(
        "attribute.html",
        lambda: page(f'<p class="{"a " * 8_000_000}">a</p>'),
        ("extraction_empty", *HEAVY),
    ),
    Hostile("entities.html", lambda: page("<p>" + "&amp;&#x41;&ouml;" * 1_000_000 + "</p>"), ANY),
    Hostile("comments.html", lambda: page("<!--x-->" * 2_000_000), ANY),
    Hostile(
        "metas.html",
        lambda: page("", "".join(f"<meta name=author content='Ada {n}'>" for n in range(300_000))),
        ANY,
    ),
    Hostile("ld_deep.html", lambda: page("", _ld("[" * 2_000_000)), ANY),
    Hostile(
        "ld_many.html", lambda: page("", _ld('{"@type":"NewsArticle","author":"A"}') * 200_000), ANY
    ),
    Hostile(
        "script.html",
        lambda: b"<html><body><script>" + b'"\\' * 5_000_000 + b"</script></body></html>",
        ("extraction_empty", *HEAVY),
    ),
    Hostile(
        "title.html",
        lambda: page("").replace(b"Pegel</title>", b"Pegel " * 3_000_000 + b"</title>"),
        ("extraction_empty", *HEAVY),
    ),
    Hostile("letters.html", lambda: page("<p>a</p>" * 1_000_000), (*MANY, "extraction_empty")),
    # ------------------------------------------------------------------ packed
    Hostile("nested.txt.gz", _nested_gzip, ("not_text",)),
    Hostile(
        "in_zip.zip",
        lambda: _zip(
            a_md=b"***\n" * 1_500_000,
            b_txt=HEADER + b"a\n\n" * 300_000,
            gut_txt=HEADER + WORDS.encode(),
        ),
        (*MANY, "empty"),
    ),
    # ------------------------------------------------------------------ lists
    Hostile("items.xml", lambda: _feed(200_000), ("feed_invalid",), "feed"),
    Hostile("laughs.xml", _laughs, ("xml_unsafe",), "feed"),
    Hostile(
        "deep.xml",
        lambda: b'<rss version="2.0"><channel>' + b"<item>" * 2_000_000,
        ("feed_invalid",),
        "feed",
    ),
    Hostile("urls.xml", lambda: _sitemap(300_000), ("too_many_entries",), "sitemap"),
    Hostile(
        "bomb.xml",
        lambda: gzip.compress(_sitemap(10) + b" " * (300 * MEGABYTE), mtime=0),
        ("archive_unsafe", "not_text", "too_large_decoded"),
        "sitemap",
    ),
    Hostile(
        "outlines.xml",
        lambda: b"<opml version='2.0'><body>" + b"<outline text='a'>" * 1_000_000,
        ("opml_invalid",),
        "opml",
    ),
)
