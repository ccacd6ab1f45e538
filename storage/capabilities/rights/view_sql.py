"""The query of the view `rights`: declarations about the use of a text, with their intervals.

The answers to an origin are compared in the order of their times, separately for each place of
declarations. A declaration that is in consecutive answers is one row. An answer that was not
examined at a place, such as the page of a 304, neither continues nor ends a row of that place.
If the clock ran ahead, a row ended and began where it leapt.
"""

from datetime import datetime

from storage.database.view_facts import View
from storage.database.view_queries.own_times import corrected_time, correction_seq, last_sight
from storage.database.view_queries.sql_words import RESTRICTED, SqlWords, renewal_seq

_PLACE = "article_id, article, origin_id, origin, found_in"
_DECLARATION = f"{_PLACE}, protocol, name, value, machine_readable"


class RightsDeclaration:
    """A declaration about the use of a text, with the period in which it was seen."""

    seq: int
    article: str | None
    origin: str
    found_in: str
    protocol: str
    name: str
    value: str
    machine_readable: bool
    changed_after: datetime | None
    first_seen: datetime
    last_seen: datetime
    ended_by: datetime | None
    checks: int
    foreign: bool
    id: int


def select_rights(words: SqlWords) -> str:
    checked_at = corrected_time(words, "n")
    confirmed = (
        "FROM observation n WHERE n.locator_id = i.origin_id AND n.outcome = 'not_modified' "
        f"AND i.found_in IN ('header', 'page') AND {checked_at} > i.last_at "
        f"AND (i.ended_by IS NULL OR {checked_at} < i.ended_by)"
    )
    latest = f"coalesce((SELECT max({checked_at}) {confirmed}), i.last_at)"
    sight = f"coalesce((SELECT max({last_sight('n')}) {confirmed}), i.sight_at)"
    ended = words.greater("i.first_seen", "i.sight_at", sight)
    last_seen = f"CASE WHEN i.ended_by IS NULL THEN {latest} ELSE {ended} END"
    newest = words.greater("n.id", correction_seq("n"))
    judged = words.greater("i.seq", f"coalesce((SELECT max({newest}) {confirmed}), 0)")
    seq = words.greater(judged, renewal_seq("origin", "i.origin_id"))
    return f"""
SELECT {seq} AS seq, i.article AS article, i.origin AS origin, i.found_in AS found_in,
    i.protocol AS protocol, i.name AS name, i.value AS value,
    i.machine_readable AS machine_readable, i.changed_after AS changed_after,
    i.first_seen AS first_seen, {last_seen} AS last_seen, i.ended_by AS ended_by,
    i.checks AS checks, i."foreign" AS "foreign", i.first_id AS id, i.article_id AS article_id,
    i.origin_id AS origin_id, i.row_key AS row_key
FROM ({_intervals(words)}) i
WHERE i.answer = 1
"""


VIEWS = (
    View(
        "rights",
        RightsDeclaration,
        ("origin", "found_in", "name", "value", "id"),
        select_rights,
        "keys",
        shares_seq=True,
    ),
)


def _intervals(words: SqlWords) -> str:
    """Return the rows of each run with the facts of the whole run; `answer` 1 is its first row.

    Window functions, because SQLite pushes no condition into a query with GROUP BY.
    """
    run = f"(PARTITION BY {_DECLARATION}, run)"
    run_in_order = f"(PARTITION BY {_DECLARATION}, run ORDER BY number)"
    return f"""
SELECT {_DECLARATION}, min(row_key) OVER {run} AS row_key,
    first_value(observation_id) OVER {run_in_order} AS first_id, max(seq) OVER {run} AS seq,
    min(observed_at) OVER {run} AS first_seen, max(observed_at) OVER {run} AS last_at,
    max(sight_at) OVER {run} AS sight_at,
    CAST(count(*) OVER {run} AS integer) AS checks,
    CASE WHEN min(number) OVER {run} > 1 THEN min(previous_at) OVER {run} END AS changed_after,
    CASE WHEN max(number) OVER {run} < max(answers) OVER {run}
        THEN max(next_at) OVER {run} END AS ended_by,
    {words.all_true("is_foreign")} OVER {run} AS "foreign",
    row_number() OVER {run_in_order} AS answer
FROM ({_declarations(words)}) d
"""


def _declarations(words: SqlWords) -> str:
    """Return one row for each declaration in an answer; `run` is constant in a run of answers."""
    name, value, protocol = (words.text_at("e.value", key) for key in ("name", "value", "protocol"))
    return f"""
SELECT s.*, number - row_number() OVER (PARTITION BY {_DECLARATION} ORDER BY number) AS run
FROM (
    SELECT c.*, c.number * 1000 + {words.ordinal("e")} + 1 AS row_key, {protocol} AS protocol,
        {name} AS name, {value} AS value,
        {words.boolean(words.text_at("e.value", "machine_readable"))} AS machine_readable
    FROM ({_answers(words)}) c CROSS JOIN {words.each_in("c.entries", "e")}
) s
"""


def _answers(words: SqlWords) -> str:
    """Return one row for each answer and examined place, with the times of its neighbours.

    `seq` is the newest of the three answers on which the row depends.
    """
    window = f"(PARTITION BY {_PLACE} ORDER BY observed_at, observation_id)"
    earlier = words.greater("seq", f"coalesce(lag(seq) OVER {window}, 0)")
    newest = words.greater(earlier, f"coalesce(lead(seq) OVER {window}, 0)")
    is_foreign = "coalesce(s.is_foreign, t.is_foreign)"
    stated = f"CASE WHEN {is_foreign} THEN coalesce(s.observed_at, o.observed_at) ELSE {{}} END"
    judged = words.greater("coalesce(s.seq, judged.id, 0)", correction_seq("o", is_foreign))
    return f"""
SELECT {_PLACE}, observation_id, entries, observed_at, sight_at, is_foreign, {newest} AS seq,
    row_number() OVER {window} AS number, lag(sight_at) OVER {window} AS previous_at,
    lead(observed_at) OVER {window} AS next_at, count(*) OVER (PARTITION BY {_PLACE}) AS answers
FROM (
    SELECT {words.greater("t.id", judged)} AS seq,
        ao.article_id AS article_id, a.public_id AS article, r.id AS origin_id,
        r.origin AS origin, p.key AS found_in, p.value AS entries, o.id AS observation_id,
        {stated.format(corrected_time(words, "o"))} AS observed_at,
        {stated.format(last_sight("o"))} AS sight_at, t.is_foreign AS is_foreign
    FROM transfer t
    JOIN observation o ON o.id = t.observation_id
    JOIN origin r ON r.id = o.locator_id
    LEFT JOIN snapshot s ON s.observation_id = o.id
    LEFT JOIN verdict judged ON judged.observation_id = o.id
    LEFT JOIN article_origin ao ON ao.origin_id = r.id
    LEFT JOIN article a ON a.id = ao.article_id
    CROSS JOIN {words.each_member("t.rights", "declared", "p")}
    WHERE (o.outcome <> 'captured' OR s.observation_id IS NOT NULL OR judged.id IS NOT NULL)
        AND coalesce(s.outcome, o.outcome) NOT IN ('blocked', 'refused')
        AND (ao.article_id IS NULL OR ao.article_id NOT IN {RESTRICTED})
) answer
"""
