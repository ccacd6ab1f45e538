"""Entries of live blogs: found on pages, matched between two captures, and collected over time."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from storage.diff.change import CapturePair
from storage.diff.entry_changes import first_entries
from storage.diff.entry_history import EntryHistory
from storage.history.changes import content_of_draft, content_of_row
from storage.record.derivation_detail import detail_of
from storage.values.draft import Draft
from tests.page.conftest import html, read
from tests.page.test_page_metadata import json_ld_script
from worker.text.page.live_blog import MAX_ENTRIES
from worker.text.page.wire import pack_answer, unpack_answer

LEVELS = ("steht bei drei Metern", "steigt seit dem Morgen", "fällt wieder", "erreicht die Marke")
NAME = "Liveblog: Sturm über der Lohe"
LIVE = {"@type": "LiveBlogPosting"}


def sentence(n: int) -> str:
    return f"Der Pegel am Wehr {n} {LEVELS[n % 4]}, meldet der Deichverband in Niederlohe."


def iso(n: int) -> str:
    return f"2024-06-18T{8 + n // 60:02}:{n % 60:02}:00+02:00"


def entry(n: int, text: str = "", *, name: str | None = None, headline: str = "") -> str:
    """Build an entry in the mark-up of the WordPress plugin."""
    own = f"liveblog-entry-{n}" if name is None else name
    return (
        f'<div id="{own}" class="liveblog-entry"><header class="liveblog-meta">'
        f'<a class="liveblog-meta-time"><time datetime="{iso(n)}">{n}</time></a></header>'
        f'<div class="liveblog-entry-text"><h3>{headline or f"Wehr {n}"}</h3>'
        f"<p>{text or sentence(n)}</p></div></div>"
    )


def blog(
    *entries: str,
    h1: str = NAME,
    intro: str = "Ein Sturmtief zieht über die Küste von Niederlohe und trifft am Abend ein.",
) -> bytes:
    published = '<meta property="article:published_time" content="2024-06-18T07:00:00+02:00">'
    return html(published, h1=h1, body=f"<p>{intro}</p>{''.join(entries)}", paragraphs=())


def updates(numbers, **more) -> str:
    listed = [
        {"@type": "BlogPosting", "url": f"https://bote.example/blog#e{n}", "headline": f"Wehr {n}",
         "datePublished": iso(n), "articleBody": sentence(n)}
        for n in numbers
    ]  # fmt: skip
    return json_ld_script(**LIVE, **more, liveBlogUpdate=listed)


def texts_of(draft: Draft) -> list[tuple[str, str | None, list[str]]]:
    return [
        (e.id, e.time, [p.text for p in draft.paragraphs[e.start : e.end]]) for e in draft.entries
    ]


def numbered(n: int, name: str, time: str | None = None):
    return name, time or iso(n), [f"Wehr {n}", sentence(n)]


MICRODATA = (
    '<article itemprop="liveBlogUpdate" itemscope itemtype="http://schema.org/BlogPosting">'
    '<meta itemprop="datePublished" content="{time}"><a href="/blog#m{n}">Link</a>'
    '<h2 itemprop="headline">Wehr {n}</h2><div itemprop="articleBody"><p>{text}</p></div></article>'
)
BLOCKS = (
    '<article id="block-5f{n}c" class="dcr-{n}"><a href="?page=with:block-5f{n}c#block-5f{n}c">'
    '<time datetime="{time}">now</time></a><h2>Wehr {n}</h2><p>{text}</p></article>'
)
LIST = (
    '<li data-elb-post-datetime="{epoch}" data-elb-post-id="{n}" class="elb-liveblog-post">'
    '<p class="elb-liveblog-post-time">vor Kurzem</p><h2>Wehr {n}</h2><div><p>{text}</p></div></li>'
)


def shown(template: str, numbers=(3, 2, 1)) -> str:
    return "".join(
        template.format(n=n, time=iso(n), text=sentence(n),
                        epoch=int(datetime.fromisoformat(iso(n)).timestamp()))
        for n in numbers
    )  # fmt: skip


FOUND = {
    "classes": (blog(*map(entry, (3, 2, 1))), [numbered(n, f"liveblog-entry-{n}") for n in (3, 2, 1)]),
    "microdata": (blog(shown(MICRODATA), h1="Sturm"), [numbered(n, f"m{n}") for n in (3, 2, 1)]),
    "numbered ids": (html(json_ld_script(**LIVE), shown(BLOCKS), h1="Sturm", paragraphs=()),
                     [numbered(n, f"block-5f{n}c") for n in (3, 2, 1)]),
    "data attributes": (blog(f"<ul>{shown(LIST)}</ul>"),
                        [numbered(n, f"{n}", f"2024-06-18T06:0{n}:00+00:00") for n in (3, 2, 1)]),
    "JSON-LD alone": (html(updates((2, 1)), h1="Sturm"), [numbered(n, f"e{n}") for n in (2, 1)]),
    "headlines of JSON-LD": (
        html(updates((2, 1)).replace(json.dumps(sentence(2)), "null").replace(json.dumps(sentence(1)), "null"),
             "".join(f"<h2>Wehr {n}</h2><p>{sentence(n)}</p>" for n in (2, 1)), h1="Sturm", paragraphs=()),
        [numbered(n, f"e{n}") for n in (2, 1)]),
    "times": (
        blog("".join(f"<h3>{n}.05 Uhr: Wehr {n}</h3><p>{sentence(n)}</p>" for n in (9, 8, 7))),
        [(None, f"0{n}:05", [f"{n}.05 Uhr: Wehr {n}", sentence(n)]) for n in (9, 8, 7)]),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "expected"), FOUND.values(), ids=FOUND)
def test_entries_are_found_with_id_time_headline_and_text(raw, expected):
    page = read(raw)
    found = [
        (name if wanted[0] else None, *rest)
        for (name, *rest), wanted in zip(texts_of(page), expected, strict=True)
    ]
    assert found == expected
    assert "live_blog" in page.flags
    assert unpack_answer(pack_answer(page)).entries == page.entries
    outside = {
        p.text
        for i, p in enumerate(page.paragraphs)
        if not any(e.start <= i < e.end for e in page.entries)
    }
    assert not outside & {text for _id, _time, texts in expected for text in texts}


@pytest.mark.parametrize(
    "raw",
    [
        html(),
        html(body=shown(BLOCKS)),
        html(h1="Sturm", body="<p>9.05 Uhr: Beginn der Sitzung im Rathaus.</p>"),
        html(json_ld_script(**LIVE)),
    ],
    ids=["an article", "numbered ids elsewhere", "a time", "a type alone"],
)
def test_other_pages_have_none(raw):
    page = read(raw)
    assert page.entries == ()
    assert "entries" not in detail_of(page, page.text_paragraphs())


def test_hostile_ids_are_bounded_and_repeated_ones_distinguished():
    names = ["x" * 5000, "a\x00\u202e<script>", "gleich", "gleich", " "]
    page = read(blog(*(entry(n, name=name.replace("\x00", "")) for n, name in enumerate(names, 1))))
    ids = [each.id for each in page.entries]
    assert len({*ids}) == 5
    assert max(map(len, ids)) <= 200
    assert ids[2:4] == ["gleich", "gleich~2"]
    assert all(each.isprintable() for each in ids)
    assert ids[4].startswith("~")


# ------------------------------------------------------------------------- between captures


def content(*entries: str, **more: str):
    draft = read(blog(*entries, **more))
    detail = detail_of(draft, draft.text_paragraphs())
    stored = content_of_row(detail, draft.title, "\n\n".join(draft.text_paragraphs()))
    assert stored.entry_texts == content_of_draft(draft).entry_texts
    return stored


def change(before, after):
    return CapturePair(content(*before), content(*after)).change()


def events(found) -> list[tuple[str, str]]:
    return [(each.op, each.id.rpartition("-")[2]) for each in found.entries]


EDITED = sentence(2).replace("fällt wieder", "steigt auf 4,2 Meter")
CHANGES = {
    "a new one": ((2, 1), (3, 2, 1), ["entry_added"], [("added", "3")]),
    "the window moved": ((3, 2, 1), (5, 4, 3), ["entry_added"],
                         [("hidden", "1"), ("hidden", "2"), ("added", "4"), ("added", "5")]),
    "all are new": ((2, 1), (4, 3), ["entry_added"],
                    [("hidden", "1"), ("hidden", "2"), ("added", "3"), ("added", "4")]),
    "removed": ((3, 2, 1), (3, 1), ["entry_removed"], [("removed", "2")]),
    "the oldest removed": ((3, 2, 1), (3, 2), ["entry_removed"], [("removed", "1")]),
    "removed and new": ((3, 2, 1), (4, 3, 1), ["entry_added", "entry_removed"],
                        [("removed", "2"), ("added", "4")]),
    "oldest first": ((1, 2, 3), (2, 3, 4), ["entry_added"], [("hidden", "1"), ("added", "4")]),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after", "classes", "expected"), CHANGES.values(), ids=CHANGES)
def test_new_entries_are_no_edit_and_missing_ones_only_if_none_replaced_them(
    before, after, classes, expected
):
    found = change(map(entry, before), map(entry, after))
    assert list(found.classes) == classes
    assert events(found) == expected
    gone = [n for op, n in expected if op == "removed"]
    assert found.removed == tuple(text for n in gone for text in (f"Wehr {n}", sentence(int(n))))
    assert found.words_removed == sum(len(f"Wehr {n} {sentence(int(n))}".split()) for n in gone)
    assert (found.silent is None) == (classes == ["entry_added"]) or found.silent is None


def test_an_edited_entry_is_an_edit_of_its_words_alone():
    found = change(map(entry, (3, 2, 1)), (entry(4), entry(3), entry(2, EDITED)))
    assert found.classes == ("number", "wording", "entry_added", "entry_edited")
    assert [each for each in events(found) if each[0] == "edited"] == [("edited", "2")]
    assert "4,2" in "".join(found.added)
    assert found.removed == ("fällt wieder",)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([entry(2, name="entry-1"), entry(1, name="entry-2")],
         [entry(3, name="entry-1"), entry(2, name="entry-2"), entry(1, name="entry-3")],
         [("renamed", "3"), ("renamed", "2"), ("added", "1")]),
        ([entry(2, name=""), entry(1, name="")], [entry(2, EDITED, name="", headline="Wehr zwei"), entry(1, name="")],
         [("edited", None)]),
    ],
    ids=["numbered by position", "without ids"],
)  # fmt: skip
def test_an_entry_is_recognised_by_its_text_and_time(before, after, expected):
    found = change(before, after)
    assert [(each.op, each.id.rpartition("-")[2]) for each in found.entries] == [
        (op, name or found.entries[0].id) for op, name in expected
    ]


def test_noise_in_an_entry_is_no_edit():
    found = change([entry(2, "Noch 3 Stunden"), entry(1)], [entry(2, "Noch 3 Stunden"), entry(1)])
    assert found.classes == ()
    assert events(found) == []


@pytest.mark.slow
def test_ten_thousand_entries_are_matched_and_further_ones_dropped():
    """Entries beyond the limit are ordinary text."""
    draft = read(
        blog(
            *(
                f'<div id="liveblog-entry-{n}" class="liveblog-entry"><time datetime="{iso(n % 900)}"></time><p>{sentence(n)}</p></div>'
                for n in range(MAX_ENTRIES + 5, 0, -1)
            )
        )
    )
    assert len(draft.entries) == MAX_ENTRIES
    one = content_of_draft(draft)
    other = content_of_draft(replace(draft, entries=draft.entries[1:]))
    found = CapturePair(one, other).entries
    assert [each.op for each in found.changes] == ["removed"]


# ---------------------------------------------------------------------------------- over time


def test_a_history_has_the_texts_of_each_entry_and_its_end():
    at = [datetime(2024, 6, 18, hour, tzinfo=UTC) for hour in range(8, 13)]
    states = [
        content(*map(entry, (2, 1))),
        content(entry(3), entry(2, EDITED), entry(1)),
        content(entry(4), entry(3), entry(2, EDITED)),
        content(entry(4), entry(2, EDITED)),
        content(entry(4), entry(2), entry(1)),
    ]
    history = EntryHistory("a")
    history.add(1, (None, at[0]), [e.to_dict() for e in first_entries(states[0].entry_texts)])
    for number, (a, b) in enumerate(pairwise(states), 2):
        found = CapturePair(a, b).change().entries
        history.add(number, (at[number - 2], at[number - 1]), [each.to_dict() for each in found])
    entries = history.entries()
    assert [(e.headline, e.state, e.versions) for e in entries] == [
        ("Wehr 1", "shown", 1), ("Wehr 2", "shown", 3), ("Wehr 3", "removed", 1), ("Wehr 4", "shown", 1),
    ]  # fmt: skip
    assert [v.text for v in entries[1].history] == [sentence(2), EDITED, sentence(2)]
    assert (entries[2].ended_after, entries[2].ended_by) == (at[2], at[3])
