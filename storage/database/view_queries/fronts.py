"""The queries of the views `teasers` and `fronts`: what front pages showed, and how long.

The lists of a front page are compared in the order of their times. A headline that is in
consecutive lists is one row of `fronts`. A check that found the same bytes has no list of its own
and confirms the one before it.
"""

from dataclasses import dataclass

_STAY = "front_id, front, teaser_id, origin_id, origin, article_id, article, headline, kicker"
_ADDRESS = "front_id, front, origin_id, origin, article_id, article"
_NEIGHBOURS = {"before": "lag({})", "before2": "lag({}, 2)", "after": "lead({})",
               "after2": "lead({}, 2)"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FrontSyntax:
    """The SQL of one database for the JSON of the column `teasers`: [teaser, level, picture]."""

    entries: str
    position: str
    teaser: str
    level: str
    picture: str
    greatest: str
    any_true: str
    all_true: str


SQLITE = FrontSyntax(
    entries="json_each(c.teasers) e",
    position="e.key + 1",
    teaser="(e.value ->> 0)",
    level="(e.value ->> 1)",
    picture="(e.value ->> 2)",
    greatest="max",
    any_true="max",
    all_true="min",
)
POSTGRES = FrontSyntax(
    entries="jsonb_array_elements(c.teasers) WITH ORDINALITY AS e(value, position)",
    position="CAST(e.position AS integer)",
    teaser="(e.value ->> 0)::bigint",
    level="(e.value ->> 1)::integer",
    picture="(e.value ->> 2)::boolean",
    greatest="greatest",
    any_true="bool_or",
    all_true="bool_and",
)


def _syntax(dialect: str) -> FrontSyntax:
    return POSTGRES if dialect == "postgresql" else SQLITE


def teasers_query(dialect: str, restricted: str) -> str:
    """Return the SELECT of the view `teasers`; `restricted` is a query for the hidden articles."""
    return f"""
SELECT list_id AS seq, front, observed_at, position, origin, headline, kicker, heading_level,
    picture, is_foreign AS "foreign", article AS row_article, front_id, list_id, article_id
FROM ({_placed(_syntax(dialect), restricted, _LISTS)}) p
"""


def fronts_query(dialect: str, restricted: str) -> str:
    """Return the SELECT of the view `fronts`, one row for each stay of a headline on a front."""
    syntax = _syntax(dialect)
    seqs = ", ".join(f"coalesce(seq_{name}, 0)" for name in _NEIGHBOURS)
    tests = " OR ".join(f"({each})" for each in _alternations())
    until = "(f.ended_by IS NULL OR n.observed_at < f.ended_by)"
    later = f"{_confirmations('f')} AND n.observed_at > f.last_seen AND {until}"
    between = f"{_confirmations('f')} AND n.observed_at > f.first_seen AND {until}"
    before = (
        f"{_confirmations('f')} AND n.observed_at > f.previous_at AND n.observed_at < f.first_seen"
    )
    last_id = f"coalesce((SELECT max(n.id) {later}), 0)"
    return f"""
SELECT {syntax.greatest}(f.seq, {seqs}, {last_id}) AS seq, f.front AS front, f.origin AS origin,
    f.headline AS headline, f.kicker AS kicker, f.position AS position,
    f.first_position AS first_position, f.last_position AS last_position,
    f.heading_level AS heading_level, f.picture AS picture,
    coalesce({tests}, FALSE) AS headline_test,
    coalesce((SELECT max(n.observed_at) {before}), f.previous_at) AS changed_after,
    f.first_seen AS first_seen,
    coalesce((SELECT max(n.observed_at) {later}), f.last_seen) AS last_seen,
    f.ended_by AS ended_by,
    CAST(f.lists + (SELECT count(*) {between}) AS integer) AS checks, f.is_foreign AS "foreign",
    f.article AS row_article, f.front_id AS front_id, f.teaser_id AS teaser_id,
    f.first_id AS first_id, f.origin_id AS origin_id, f.article_id AS article_id
FROM ({_with_neighbours(syntax, restricted)}) f
"""


def _confirmations(stay: str) -> str:
    """Return the checks that found the same bytes at the front page of a stay."""
    return (
        f"FROM observation n WHERE n.locator_id = {stay}.front_id "
        "AND n.outcome IN ('unchanged', 'not_modified')"
    )


def _alternations() -> tuple[str, str, str]:
    """Return the conditions under which a stay is part of A, B, A without a gap."""
    follows_before = "f.last_before = f.first_number - 1"
    follows_before2 = "f.last_before2 = f.first_before - 1"
    leads_after = "f.first_after = f.last_number + 1"
    leads_after2 = "f.first_after2 = f.last_after + 1"
    other = "f.headline_{} <> f.headline"
    return (
        f"{follows_before} AND {leads_after} AND {other.format('before')} "
        "AND f.headline_before = f.headline_after",
        f"{leads_after} AND {leads_after2} AND {other.format('after')} "
        "AND f.headline_after2 = f.headline",
        f"{follows_before} AND {follows_before2} AND {other.format('before')} "
        "AND f.headline_before2 = f.headline",
    )


def _with_neighbours(syntax: FrontSyntax, restricted: str) -> str:
    """Return stays with the two stays before and after them at the same address and front."""
    window = f"(PARTITION BY {_ADDRESS} ORDER BY first_number, teaser_id)"
    columns = ", ".join(
        f"{call.format(column)} OVER {window} AS {short}_{name}"
        for name, call in _NEIGHBOURS.items()
        for column, short in (("headline", "headline"), ("first_number", "first"),
                              ("last_number", "last"), ("seq", "seq"))
    )  # fmt: skip
    return f"SELECT s.*, {columns} FROM ({_stays(syntax, restricted)}) s WHERE s.answer = 1"


def _stays(syntax: FrontSyntax, restricted: str) -> str:
    """Return the rows of each run with the facts of the whole run; `answer` 1 is its first row.

    Window functions, because SQLite pushes no condition into a query with GROUP BY.
    """
    run = f"(PARTITION BY {_STAY}, run)"
    first = f"(PARTITION BY {_STAY}, run ORDER BY number)"
    last = f"(PARTITION BY {_STAY}, run ORDER BY number DESC)"
    return f"""
SELECT {_STAY}, row_number() OVER {first} AS answer, min(list_id) OVER {run} AS first_id,
    max({syntax.greatest}(list_id, coalesce(next_id, 0), coalesce(previous_id, 0))) OVER {run}
        AS seq,
    min(position) OVER {run} AS position, first_value(position) OVER {first} AS first_position,
    first_value(position) OVER {last} AS last_position,
    min(heading_level) OVER {run} AS heading_level,
    {syntax.any_true}(picture) OVER {run} AS picture,
    min(number) OVER {run} AS first_number, max(number) OVER {run} AS last_number,
    min(observed_at) OVER {run} AS first_seen, max(observed_at) OVER {run} AS last_seen,
    first_value(previous_at) OVER {first} AS previous_at,
    first_value(next_at) OVER {last} AS ended_by, count(*) OVER {run} AS lists,
    {syntax.all_true}(is_foreign) OVER {run} AS is_foreign
FROM (
    SELECT p.*, number - row_number() OVER (PARTITION BY {_STAY} ORDER BY number) AS run
    FROM ({_placed(syntax, restricted, _lists())}) p
) r
"""


def _placed(syntax: FrontSyntax, restricted: str, lists: str) -> str:
    """Return one row for each teaser of each of `lists`; redacted teasers are left out."""
    return f"""
SELECT c.*, {syntax.position} AS position, {syntax.level} AS heading_level,
    {syntax.picture} AS picture, k.id AS teaser_id, k.headline AS headline, k.kicker AS kicker,
    k.origin_id AS origin_id, g.origin AS origin, ao.article_id AS article_id,
    a.public_id AS article
FROM ({lists}) c CROSS JOIN {syntax.entries}
JOIN teaser k ON k.id = {syntax.teaser}
JOIN origin g ON g.id = k.origin_id
LEFT JOIN article_origin ao ON ao.origin_id = k.origin_id
LEFT JOIN article a ON a.id = ao.article_id
WHERE k.headline IS NOT NULL AND (ao.article_id IS NULL OR ao.article_id NOT IN {restricted})
"""


_LISTS = """
SELECT f.id AS list_id, f.origin_id AS front_id, r.origin AS front,
    coalesce(same.teasers, f.teasers) AS teasers, o.observed_at AS observed_at,
    coalesce(t.is_foreign, FALSE) AS is_foreign
FROM front f
JOIN observation o ON o.id = f.observation_id
JOIN origin r ON r.id = f.origin_id
LEFT JOIN front same ON same.id = f.same_as_id
LEFT JOIN transfer t ON t.observation_id = o.id
"""
"""One row for each list of a front page."""


def _lists() -> str:
    """Return one row for each list of a front page, with its neighbours in time."""
    window = "(PARTITION BY front_id, front ORDER BY observed_at, list_id)"
    return f"""
SELECT l.*, row_number() OVER {window} AS number,
    lag(observed_at) OVER {window} AS previous_at, lead(observed_at) OVER {window} AS next_at,
    lag(list_id) OVER {window} AS previous_id, lead(list_id) OVER {window} AS next_id
FROM ({_LISTS}) l
"""
