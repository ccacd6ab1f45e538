"""Signs of an article, and of a page that a server sent in place of one.

They decide nothing alone: `storage.history.unconfirmed.rule` compares them with those of the text
before. Of 1,583 real pages, one or two had fewer than 150 words and none of the marks of an
article; they were in place of one.
"""

import re
from collections.abc import Mapping, Sequence

from lxml.etree import XPath
from lxml.html import HtmlElement

from storage.values.draft import Field
from storage.values.lazy import lazy_pattern
from storage.values.net.site import site_of
from worker.text.annotate.measures import title_key
from worker.text.page.fields.head import meta_tags
from worker.text.page.fields.json_ld import JsonLd
from worker.text.page.interstitials import interstitial_reason

_ARTICLE_ELEMENT = XPath(
    "boolean(descendant::article[descendant::p] | descendant::*[@itemprop = 'articleBody'])"
)
_PASSWORD = XPath("boolean(descendant::input[@type = 'password' or @type = 'PASSWORD'])")
_TITLE = XPath("descendant::title[1]/text()")
_HEADINGS = XPath("descendant::*[self::h1 or self::h2 or self::h3]")
_REFRESH = XPath("boolean(descendant::meta[@content][@http-equiv = 'refresh' or "
                 "@http-equiv = 'Refresh' or @http-equiv = 'REFRESH'])")  # fmt: skip
_MOST_HEADINGS = 50
_SHORT = 150  # words
_LONGEST_WALL = 600  # words
_OPENING = 600  # characters
_NOT_OF_THE_PAGE = ("address", "feed", "sitemap", "list")
"""Beginnings of `found_in` of values that are not on the page."""

WALL_WORDS = lazy_pattern(
    r"""cookie | consent | einwillig | zustimm | werbefrei | \bpur-?abo | privacy | datenschutz
    | \banmelde?n?\b | einloggen | \blog[ -]?in\b | \bsign[ -]in\b | passwor[dt]
    | wartung | maintenance | be[ ]right[ ]back | gleich[ ]wieder[ ] | back[ ]soon
    | \bfehler | \berror\b | went[ ]wrong | schief ?(?:gelaufen|gegangen) | unavailable
    | nicht[ ](?:verfügbar|erreichbar|zu[ ]erreichen|geladen) | not[ ]available | could[ ]not[ ]load
    | database | datenbank | exception | too[ ]many | zu[ ]viele | try[ ]again | noch[ ]einmal
    | neu[ ]laden | laden[ ]sie | reload | \brobot | roboter | \bhuman\b | captcha | verify
    | überprüf | javascript | \bblocked\b | blockiert | \bdenied\b | verweigert | forbidden
    | your[ ](?:country|region|browser) | ihre[mn][ ](?:land|browser) | legal[ ]reasons
    | eingeschränkt | \bdomain\b | for[ ]sale | zum[ ]verkauf""",
    re.VERBOSE | re.IGNORECASE,
)
"""Words of pages in place of an article, which short articles contain, too.

>>> bool(WALL_WORDS.search("Bitte laden Sie die Seite neu")), bool(WALL_WORDS.search("Der Damm"))
(True, False)
"""


def tree_signs(tree: HtmlElement) -> tuple[str, ...]:
    """Return the signs in the elements of a page, from which nothing was removed yet."""
    pairs = dict(meta_tags(tree))
    robots = pairs.get("robots", "").lower()
    return _names(
        og_type=pairs.get("og:type", "").lower() == "article",
        article_element=bool(_ARTICLE_ELEMENT(tree)),
        password_form=bool(_PASSWORD(tree)),
        other_headline=not _names_headline(tree),
        noindex="noindex" in robots or robots == "none",
        refresh=bool(_REFRESH(tree)),
    )


def field_signs(
    json_ld: JsonLd, fields: Mapping[str, Field], address: str | None
) -> tuple[str, ...]:
    """Return the signs in the JSON-LD of a page, and in its fields."""
    return _names(
        json_ld=bool(json_ld.articles()),
        date=_is_of_the_page(fields.get("published")),
        author=_is_of_the_page(fields.get("authors")),
        site_title=_is_title_of_site(fields.get("title"), address),
    )


def _names_headline(tree: HtmlElement) -> bool:
    """Check whether the title of a page names one of its headings, or one names the title."""
    title = title_key("".join(_TITLE(tree)))
    headings = (title_key(each.text_content()) for each in _HEADINGS(tree)[:_MOST_HEADINGS])
    return any(each in title or title in each for each in headings if each and title)


def text_signs(title: str | None, running: Sequence[str]) -> tuple[str, ...]:
    """Return the signs in the text of a page.

    >>> text_signs("Login", ["Sie finden hier die Anmeldung."])
    ('short', 'wall_words')
    """
    words = sum(len(text.split()) for text in running)
    opening = f"{title or ''}\n" + "\n".join(running)[:_OPENING]
    return _names(
        short=words < _SHORT,
        wall_words=words < _LONGEST_WALL and WALL_WORDS.search(opening) is not None,
        wall_text=interstitial_reason(None, running) is not None,
    )


def is_marked(signs: Sequence[str]) -> bool:
    """Check whether a page declares itself an article, with a date and an author.

    >>> is_marked(("json_ld", "date", "author")), is_marked(("og_type", "date"))
    (True, False)
    """
    return {"date", "author"}.issubset(signs) and not {"json_ld", "og_type"}.isdisjoint(signs)


def _names(**found: bool) -> tuple[str, ...]:
    return tuple(name for name, is_there in found.items() if is_there)


def _is_of_the_page(field: Field | None) -> bool:
    if field is None or not field.value:
        return False
    return not (field.found_in or "").startswith(_NOT_OF_THE_PAGE)


def _is_title_of_site(field: Field | None, address: str | None) -> bool:
    """Check whether a page has no title but the name of its host."""
    title = title_key(field.value) if field and isinstance(field.value, str) else ""
    host = site_of(address) if address else ""
    names = (host, *host.split("."), " ".join(host.split(".")[:-1]))
    return not title or title in {title_key(each) for each in names}
