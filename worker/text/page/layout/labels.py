"""Class and id patterns of kickers, bylines and dates."""

import re

KICKER_LABEL = re.compile(
    r"kicker|over-?line|high-?line|roof-?line|dach-?zeile|top-?line|spitzmarke|eyebrow|rubric|category|ressort|section|"
    r"pre-?(?:title|headline)|head-?line-?(?:prefix|intro|kicker|topic)|catch-?line|supra|badge|flag|label|date|tag-?line|premium|plus-?icon|sub-?(?:title|line|headline|head)|topic",
    re.IGNORECASE,
)
"""A class of the words above or below a headline in the same element.

>>> bool(KICKER_LABEL.search("article-heading__kicker")), bool(KICKER_LABEL.search("entry-title"))
(True, False)
"""


KICKER_CLASS = re.compile(
    r"kicker|over-?line|roof-?line|dach-?zeile|top-?line|spitzmarke|eye-?brow|supra-?title|pre-?headline",
    re.IGNORECASE,
)
"""A class that is used for kickers only.

>>> bool(KICKER_CLASS.search("article__kicker")), bool(KICKER_CLASS.search("date"))
(True, False)
"""


BYLINE_LABEL = re.compile(
    r"(?:^|[\s_-])(?:author|authors|autor|autoren|byline|by-line|verfasser|writer|creator|contributor)(?:s|in)?(?=$|[\s_-])"
    r"|(?:author|autor)-?(?:name|link)|byline",
    re.IGNORECASE,
)
"""A class of the byline.

>>> bool(BYLINE_LABEL.search("article__byline")), bool(BYLINE_LABEL.search("authority"))
(True, False)
"""


PUBLISHED_LABEL = re.compile(
    r"publish|pubdate|veroeffentlich|erschienen|created|posted|entry-date|article-date|(?:^|[\s_-])(?:date|datum|time|timestamp|dateline)(?=$|[\s_-])",
    re.IGNORECASE,
)
"""A class of the publication date.

>>> bool(PUBLISHED_LABEL.search("article-date")), bool(PUBLISHED_LABEL.search("update"))
(True, False)
"""
