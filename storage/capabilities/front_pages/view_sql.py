"""The queries of the views `teasers` and `fronts`: what front pages showed, and how long.

The lists of a front page are compared in the order of their times. A headline that is in
consecutive lists is one row of `fronts`. A check that found the same bytes has no list of its own
and confirms the list of these bytes, even if another crawler captured another list meanwhile. If
the clock ran ahead, a stay ended and began where it leapt.
"""

from datetime import datetime

from storage.database.view_facts import View
from storage.database.view_queries.own_times import corrected_time, correction_seq, last_sight
from storage.database.view_queries.sql_words import RESTRICTED, SqlWords, renewal_seq

_NEIGHBOURS = {"before": "lag({})", "before2": "lag({}, 2)", "after": "lead({})",
               "after2": "lead({}, 2)"}  # fmt: skip


_LISTED = "CAST(e.value ->> 0 AS bigint)"
"""The teaser of an element of the column `teasers`: [teaser, level, picture]."""


def _position_columns(words: SqlWords) -> str:
    return (
        f"CAST({words.ordinal('e')} + 1 AS integer) AS position, {_LISTED} AS teaser_id, "
        f"CAST(e.value ->> 1 AS integer) AS heading_level, "
        f"{words.boolean('e.value ->> 2')} AS picture"
    )


class Teaser:
    """A teaser of a front page at one check."""

    seq: int
    front: str
    observed_at: datetime
    position: int
    origin: str
    headline: str
    kicker: str | None
    heading_level: int | None
    picture: bool
    foreign: bool
    id: int


def _select_teasers(words: SqlWords) -> str:
    seq = words.greater("p.seq", _RENEWED, renewal_seq("origin", "p.front_id"))
    return f"""
SELECT {seq} AS seq, p.front AS front, p.observed_at AS observed_at,
    p.position AS position, p.heading_level AS heading_level, p.picture AS picture,
    p.is_foreign AS "foreign", p.observation_id AS id, {_TEASER},
    a.public_id AS row_article, p.front_id AS front_id, p.list_id AS list_id
FROM (
    SELECT c.*, {_position_columns(words)}
    FROM ({_lists(words)}) c JOIN front l ON l.id = c.shown_id
    CROSS JOIN {words.each_in("l.teasers", "e")}
) p
{_join_teaser("p.teaser_id")}
"""


TEASERS = View(
    "teasers",
    Teaser,
    ("id", "position"),
    _select_teasers,
    "keys",
    shares_seq=True,
)


def latest_list_query(words: SqlWords) -> str:
    """Return the query for the latest list of a front page."""
    return (
        f"SELECT c.list_id AS list_id FROM ({_lists(words)}) c WHERE c.front_id = :front "
        "ORDER BY c.observed_at DESC, c.list_id DESC LIMIT 1"
    )


class FrontStay:
    """The time that a headline was on a front page without a gap."""

    seq: int
    front: str
    origin: str
    headline: str
    kicker: str | None
    position: int
    first_position: int
    last_position: int
    heading_level: int | None
    picture: bool
    headline_test: bool
    changed_after: datetime | None
    first_seen: datetime
    last_seen: datetime
    ended_by: datetime | None
    checks: int
    foreign: bool
    id: int
    teaser: int


def select_fronts(words: SqlWords, where: str = "TRUE") -> str:
    """Return the SELECT of the view `fronts`, one row for each stay of a headline on a front.

    `where` selects teasers by `k.front_id` and `k.origin_id`: databases do not push a condition
    on the result down to the lists.
    """
    seqs = [f"coalesce(seq_{name}, 0)" for name in _NEIGHBOURS]
    tests = " OR ".join(f"({each})" for each in _alternations())
    return f"""
SELECT {words.greater("stay.seq", "stay.renewed", *seqs)} AS seq, stay.front AS front,
    stay.origin AS origin, stay.headline AS headline, stay.kicker AS kicker,
    stay.position AS position, stay.first_position AS first_position,
    stay.last_position AS last_position,
    stay.heading_level AS heading_level, stay.picture AS picture,
    coalesce({tests}, FALSE) AS headline_test, stay.changed_after AS changed_after,
    stay.first_seen AS first_seen, stay.last_seen AS last_seen, stay.ended_by AS ended_by,
    stay.checks AS checks, stay.is_foreign AS "foreign", stay.first_id AS id,
    stay.teaser_id AS teaser,
    stay.article AS row_article, stay.front_id AS front_id, stay.teaser_id AS teaser_id,
    stay.first_id AS first_id, stay.origin_id AS origin_id, stay.article_id AS article_id
FROM ({_with_neighbours(words, where)}) stay
"""


FRONTS = View(
    "fronts",
    FrontStay,
    ("id", "teaser"),
    select_fronts,
    "keys",
    shares_seq=True,
)


def _alternations() -> tuple[str, str, str]:
    """Return the conditions under which a stay is part of A, B, A without a gap."""
    follows_before = "stay.last_before = stay.first_number - 1"
    follows_before2 = "stay.last_before2 = stay.first_before - 1"
    leads_after = "stay.first_after = stay.last_number + 1"
    leads_after2 = "stay.first_after2 = stay.last_after + 1"
    other = "stay.headline_{} <> stay.headline"
    return (
        f"{follows_before} AND {leads_after} AND {other.format('before')} "
        "AND stay.headline_before = stay.headline_after",
        f"{leads_after} AND {leads_after2} AND {other.format('after')} "
        "AND stay.headline_after2 = stay.headline",
        f"{follows_before} AND {follows_before2} AND {other.format('before')} "
        "AND stay.headline_before2 = stay.headline",
    )


def _with_neighbours(words: SqlWords, where: str) -> str:
    """Return stays with their headlines, and with the two stays before and after them at the same
    address and front; redacted headlines are left out.
    """
    window = "(PARTITION BY s.front_id, k.origin_id ORDER BY s.first_number, s.teaser_id)"
    columns = ", ".join(
        f"{call.format(column)} OVER {window} AS {short}_{name}"
        for name, call in _NEIGHBOURS.items()
        for column, short in (("k.headline", "headline"), ("s.first_number", "first"),
                              ("s.last_number", "last"),
                              (words.greater("s.seq", _RENEWED), "seq"))
    )  # fmt: skip
    return f"""
SELECT s.*, {_TEASER}, {columns},
    {words.greater(_RENEWED, renewal_seq("origin", "s.front_id"))} AS renewed
FROM ({_stays(words, where)}) s
{_join_teaser("s.teaser_id")}
"""


def _stays(words: SqlWords, where: str) -> str:
    """Return the runs of consecutive islands with the same teaser.

    A position is less than 1,000, so that one number sorts by the number of the island and then
    has the position. Every list is expanded, so rows are narrow until the runs are known; their
    times and sums are those of their first and last island.
    """
    last = "max(number * 1000 + 999 - position) - max(number) * 1000"
    selected = f"WHERE {_LISTED} IN (SELECT k.id FROM teaser k WHERE {where})"
    if where == "TRUE":
        selected = ""
    islands = _islands(words, where)  # no common table expression: `lesart sql` refuses its tables
    return f"""
SELECT s.front_id AS front_id, r.origin AS front, s.teaser_id AS teaser_id,
    f.first_id AS first_id, s.seq AS seq, s.position AS position,
    s.first_position AS first_position, s.last_position AS last_position,
    s.heading_level AS heading_level, s.picture AS picture,
    s.first_number AS first_number, s.last_number AS last_number,
    f.first_at AS first_seen, CASE WHEN l.next_at IS NULL THEN l.last_at
        ELSE {words.greater("f.first_at", "l.sight_at")} END AS last_seen,
    f.previous_at AS changed_after,
    l.next_at AS ended_by, CAST(l.checks - f.checks_before AS integer) AS checks,
    l.own_lists = f.own_lists_before AS is_foreign
FROM (
    SELECT front_id, teaser_id, max(seq) AS seq,
        CAST(min(position) AS integer) AS position,
        CAST(min(number * 1000 + position) - min(number) * 1000 AS integer) AS first_position,
        CAST(999 - ({last}) AS integer) AS last_position,
        min(heading_level) AS heading_level, {words.any_true("picture")} AS picture,
        min(number) AS first_number, max(number) AS last_number
    FROM (
        SELECT t.*, number - row_number() OVER (PARTITION BY teaser_id ORDER BY number) AS run
        FROM (
            SELECT i.front_id, i.number, i.seq, {_position_columns(words)}
            FROM ({islands}) i JOIN front l ON l.id = i.shown_id
            CROSS JOIN {words.each_in("l.teasers", "e")}
            {selected}
        ) t
    ) placement
    GROUP BY front_id, teaser_id, run
) s
JOIN ({islands}) f ON f.front_id = s.front_id AND f.number = s.first_number
JOIN ({islands}) l ON l.front_id = s.front_id AND l.number = s.last_number
JOIN origin r ON r.id = s.front_id
"""


def _islands(words: SqlWords, where: str) -> str:
    """Return runs of consecutive equal lists of a front page, with their neighbours in time.

    A check with the same bytes counts as the list of these bytes or, if it names none, as the list
    before it. `checks` and `own_lists` are sums from the first island on.
    """
    foreign = "coalesce(t.is_foreign, FALSE)"
    chosen = f"IN (SELECT k.front_id FROM teaser k WHERE {where})"
    window = "(PARTITION BY front_id ORDER BY first_at, first_id)"
    order = "ORDER BY observed_at, id"
    neighbours = [f"coalesce({each}(last_seq) OVER {window}, 0)" for each in ("lag", "lead")]
    return f"""
SELECT i.*, row_number() OVER {window} AS number, lag(sight_at) OVER {window} AS previous_at,
    lead(first_at) OVER {window} AS next_at,
    {words.greater("last_seq", *neighbours)} AS seq,
    sum(lists) OVER {window} AS checks, sum(lists) OVER {window} - lists AS checks_before,
    sum(own) OVER {window} AS own_lists, sum(own) OVER {window} - own AS own_lists_before
FROM (
    SELECT front_id, shown_id, min(list_id) AS first_id, max(seq) AS last_seq,
        min(observed_at) AS first_at, max(observed_at) AS last_at, max(sight_at) AS sight_at,
        count(*) AS lists,
        count(CASE WHEN is_foreign = FALSE THEN 1 END) AS own
    FROM (
        SELECT x.*, row_number() OVER (PARTITION BY front_id {order})
            - row_number() OVER (PARTITION BY front_id, shown_id {order}) AS island
        FROM (
            SELECT e.front_id, e.id, e.list_id, e.observed_at, e.sight_at, e.seq, e.is_foreign,
                coalesce(e.shown_id, max(e.shown_before) OVER
                    (PARTITION BY e.front_id, e.lists_until)) AS shown_id
            FROM (
                SELECT c.*, count(c.list_id) OVER (PARTITION BY c.front_id {order}) AS lists_until
                FROM (
                    SELECT c.list_id AS id, c.front_id, c.list_id, c.shown_id,
                        c.shown_id AS shown_before, c.observed_at, c.sight_at, c.seq, c.is_foreign
                    FROM ({_lists(words)}) c WHERE c.front_id {chosen}
                    UNION ALL
                    SELECT n.id, n.locator_id, NULL, coalesce(p.same_as_id, p.id), NULL,
                        {corrected_time(words, "n", foreign)},
                        {last_sight("n", foreign)},
                        {words.greater("n.id", correction_seq("n", foreign))}, {foreign}
                    FROM observation n
                    LEFT JOIN transfer t ON t.observation_id = n.id
                    LEFT JOIN front p
                        ON p.observation_id = CAST(n.hints ->> 'confirms' AS bigint)
                    WHERE n.locator_id {chosen} AND n.outcome IN ('unchanged', 'not_modified')
                ) c
            ) e
            WHERE e.lists_until > 0
        ) x
    ) c
    GROUP BY front_id, shown_id, island
) i
"""


def _join_teaser(number: str) -> str:
    return f"""
JOIN teaser k ON k.id = {number}
JOIN origin g ON g.id = k.origin_id
LEFT JOIN article_origin ao ON ao.origin_id = k.origin_id
LEFT JOIN article a ON a.id = ao.article_id
WHERE k.headline IS NOT NULL AND (ao.article_id IS NULL OR ao.article_id NOT IN {RESTRICTED})
"""


_RENEWED = renewal_seq("origin", "k.origin_id")
"""The number of the last renewal of the address of a teaser."""
_TEASER = (
    "k.headline AS headline, k.kicker AS kicker, k.origin_id AS origin_id, g.origin AS origin, "
    "ao.article_id AS article_id, a.public_id AS article"
)


def _lists(words: SqlWords) -> str:
    """Return one row for each list of a front page; `shown_id` is the row that has it."""
    is_foreign = "coalesce(t.is_foreign, FALSE)"
    return f"""
SELECT f.id AS list_id, f.origin_id AS front_id, r.origin AS front,
    f.observation_id AS observation_id,
    coalesce(f.same_as_id, f.id) AS shown_id,
    {corrected_time(words, "o", is_foreign)} AS observed_at,
    {last_sight("o", is_foreign)} AS sight_at,
    {words.greater("f.id", correction_seq("o", is_foreign, "f.id"))} AS seq,
    {is_foreign} AS is_foreign
FROM front f
JOIN observation o ON o.id = f.observation_id
JOIN origin r ON r.id = f.origin_id
LEFT JOIN transfer t ON t.observation_id = o.id
"""


VIEWS = (TEASERS, FRONTS)
