"""Check whether a document may contain several texts, without parsing it."""

import re

from storage.values.arrivals.mail_bounds import mail_excess

FILE_NAME = re.compile(rb"\b(?:file)?name\*?(?:\d+\*?)?\s*=", re.IGNORECASE)
"""The parameter of an attachment."""
NEWS_ITEM = re.compile(rb"<(?:[\w.-]{1,100}:)?newsItem[\s>]")
ASSOCIATIONS = b'"associations"'


def may_have_parts(kind: str, raw: bytes) -> bool:
    r"""Check whether a document is to be split in the child process; most are not.

    >>> may_have_parts("eml", b"Subject: A\r\n\r\nText."), may_have_parts("ninjs", b'{"uri": "a"}')
    (False, False)
    >>> may_have_parts("newsml", b"<itemSet><newsItem a='1'/><newsItem /></itemSet>")
    True
    """
    if kind == "eml":
        return FILE_NAME.search(raw) is not None or mail_excess(raw) is not None
    if kind == "newsml":
        items = NEWS_ITEM.finditer(raw)
        return next(items, None) is not None and next(items, None) is not None
    return kind == "ninjs" and ASSOCIATIONS in raw
