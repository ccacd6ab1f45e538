"""The SQL of the two databases, and expressions that several views share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

RESTRICTED = (
    "(SELECT ro.article_id FROM restriction rs "
    "JOIN article_origin ro ON ro.origin_id = rs.origin_id "
    "LEFT JOIN restriction_lifted rl ON rl.restriction_id = rs.id WHERE rl.id IS NULL)"
)
"""The hidden articles, as a query."""

BLOCK_BITS = 24
INDEXED_TOKENS = (
    f"(s.tokens || array_to_tsvector(ARRAY['#' || (s.wording_id >> {BLOCK_BITS})::text]))"
)
"""What PostgreSQL's full-text index contains of a row `s` of `search_text`: its tokens, and a token
for the block of its number (2^24 numbers, at most some 12,000 texts). So a search for a frequent
word reads the newest blocks instead of all texts with that word.
"""


def _microseconds_before(moment: str, count: str) -> str:
    """Return the SQLite expression of a stored time that is earlier by a number of microseconds."""
    seconds = f"CAST(strftime('%s', {moment}) AS integer)"
    left = f"({seconds} * 1000000 + CAST(substr({moment}, 21, 6) AS integer) - {count})"
    day = f"strftime('%Y-%m-%dT%H:%M:%S', {left} / 1000000, 'unixepoch')"
    return f"({day} || printf('.%06d+00:00', {left} % 1000000))"


def open_alone(value: str, article: str = "a.id", otherwise: str = "NULL") -> str:
    """Return the expression for a value that is null if its article is restricted."""
    return f"CASE WHEN {article} IN {RESTRICTED} THEN {otherwise} ELSE {value} END"


def names_restricted(words: "SqlWords", value: str, own: str) -> str:
    """Return the condition that JSON has the title of a restricted article, which `own` has not.

    Titles of fewer than 16 letters may be those of other articles, too.
    """
    inside = words.quoted("rw.title")
    letters = f"substr({inside}, 2, length({inside}) - 2)"
    return f"""EXISTS (SELECT 1 FROM version rv JOIN wording rw ON rw.id = rv.wording_id
    WHERE rv.article_id IN {RESTRICTED} AND length(rw.title) >= 16
    AND {words.contains(f"CAST({value} AS text)", letters)}
    AND NOT {words.contains(own, "rw.title")})"""


@dataclass(frozen=True, slots=True)
class SqlWords:
    """The differences between the SQL of the two databases."""

    hexed: Callable[[str], str]
    is_emptied: Callable[[str], str]
    number_in: Callable[[str], str]
    json_at: Callable[[str, str], str]
    text_at: Callable[[str, str], str]
    contains: Callable[[str, str], str]
    quoted: Callable[[str], str]
    greater: Callable[..., str]
    seconds: Callable[[str, str], str]
    before: Callable[[str, str], str]
    empty_list: str
    with_word: Callable[[str, str], str]
    no_time: str
    no_name: str
    has_lateral: bool
    origins: str
    elements: Callable[[str], str]
    each_member: Callable[[str, str, str], str]
    """The members of the object at a key of JSON, as rows `key` and `value` of a name."""
    member_ordinal: Callable[[str], str]
    each_in: Callable[[str, str], str]
    """The elements of a JSON list, as rows `value` of a name."""
    ordinal: Callable[[str], str]
    boolean: Callable[[str], str]
    all_true: Callable[[str], str]
    any_true: Callable[[str], str]
    hour: Callable[[str], str]
    wording: str
    """The number of a row of full text `s`, as an expression: no index is scanned for it."""
    time_prefix: str
    """What stands before the literal of a time."""
    temporary: str
    """The schema of temporary tables and views."""
    read_only: Callable[[bool], str]
    """The statement that forbids, or allows, writing in a session."""
    database_bytes: str

    @property
    def dialect(self) -> str:
        """Return the name of the database, as SQLAlchemy names it."""
        return "postgresql" if self.has_lateral else "sqlite"


SQLITE = SqlWords(
    hexed=lambda value: f"nullif(lower(hex({value})), '')",
    is_emptied=lambda digest: f"substr({digest}, 1, 8) = X'7265646163746564'",
    number_in=lambda digest: f"ltrim(CAST(substr({digest}, 9) AS text), '0')",
    json_at=lambda value, path: f"nullif({value} -> '$.{path}', 'null')",
    text_at=lambda value, path: f"({value} ->> '$.{path}')",
    contains=lambda text, part: f"instr({text}, {part}) > 0",
    quoted=lambda text: f"json_quote({text})",
    greater=lambda *values: f"max({', '.join(values)})",
    seconds=lambda a, b: f"round((julianday({b}) - julianday({a})) * 86400, 3)",
    before=_microseconds_before,
    empty_list="'[]'",
    with_word=lambda words, word: f"json_insert({words}, '$[#]', '{word}')",
    no_time="CAST(NULL AS text)",
    no_name="CAST(NULL AS text)",
    has_lateral=False,
    origins=(
        "(SELECT json_group_array(listed.origin) FROM ("
        "SELECT r2.origin FROM article_origin ao JOIN origin r2 ON r2.id = ao.origin_id "
        "JOIN article own ON own.id = ao.article_id "
        "WHERE ao.article_id = a.id ORDER BY r2.id <> own.origin_id, r2.id) listed)"
    ),
    elements=lambda listed: f"json_each({listed}) e",
    each_member=lambda value, key, name: f"json_each({value}, '$.{key}') {name}",
    member_ordinal=lambda name: f"{name}.rowid",
    each_in=lambda listed, name: f"json_each({listed}) {name}",
    ordinal=lambda name: f"{name}.key",
    boolean=lambda value: value,
    all_true=lambda value: f"min({value})",
    any_true=lambda value: f"max({value})",
    hour=lambda moment: f"substr({moment}, 1, 13)",
    wording="s.rowid",
    time_prefix="",
    temporary="temp",
    read_only=lambda is_on: f"PRAGMA query_only = {'ON' if is_on else 'OFF'}",
    database_bytes="SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
)
POSTGRES = SqlWords(
    hexed=lambda value: f"encode({value}, 'hex')",
    is_emptied=lambda digest: f"substr({digest}, 1, 8) = 'redacted'::bytea",
    number_in=lambda digest: f"ltrim(convert_from(substr({digest}, 9), 'UTF8'), '0')",
    json_at=lambda value, path: f"nullif({value} #> '{_json_path(path)}', 'null'::jsonb)",
    text_at=lambda value, path: f"({value} #>> '{_json_path(path)}')",
    contains=lambda text, part: f"strpos({text}, {part}) > 0",
    quoted=lambda text: f"CAST(to_jsonb(CAST({text} AS text)) AS text)",
    greater=lambda *values: f"greatest({', '.join(values)})",
    seconds=lambda a, b: f"round(extract(epoch FROM {b} - {a}), 3)::float8",
    before=lambda moment, count: f"({moment} - {count} * interval '1 microsecond')",
    empty_list="'[]'::jsonb",
    with_word=lambda words, word: f"({words} || '[\"{word}\"]'::jsonb)",
    no_time="CAST(NULL AS timestamptz)",
    no_name="CAST(NULL AS varchar)",
    has_lateral=True,
    origins=(
        "(SELECT jsonb_agg(r2.origin ORDER BY r2.id <> a.origin_id, r2.id) "
        "FROM article_origin ao JOIN origin r2 ON r2.id = ao.origin_id "
        "WHERE ao.article_id = a.id)"
    ),
    elements=lambda listed: f"jsonb_array_elements_text({listed}) AS e(value)",
    each_member=lambda value, key, name: (
        f"jsonb_each({value} -> '{key}') WITH ORDINALITY AS {name}(key, value, ordinal)"
    ),
    member_ordinal=lambda name: f"({name}.ordinal - 1)",
    each_in=lambda listed, name: (
        f"jsonb_array_elements({listed}) WITH ORDINALITY AS {name}(value, ordinal)"
    ),
    ordinal=lambda name: f"({name}.ordinal - 1)",
    boolean=lambda value: f"({value})::boolean",
    all_true=lambda value: f"bool_and({value})",
    any_true=lambda value: f"bool_or({value})",
    hour=lambda moment: f"date_trunc('hour', {moment}, 'UTC')",
    wording="s.wording_id + 0",
    time_prefix="timestamptz ",
    temporary="pg_temp",
    read_only=lambda is_on: f"SET default_transaction_read_only = {'on' if is_on else 'off'}",
    database_bytes="SELECT pg_database_size(current_database())",
)


class Connected(Protocol):
    """A connection to a database, or its engine."""

    @property
    def dialect(self) -> Any: ...


def words_of(database: Connected | str) -> SqlWords:
    """Return the SQL of a database, given by a connection or by the name of its dialect."""
    name = database if isinstance(database, str) else database.dialect.name
    return POSTGRES if name == "postgresql" else SQLITE


def _json_path(path: str) -> str:
    return "{" + path.replace(".", ",") + "}"


def name_of_wording(words: SqlWords, digest: str) -> str:
    """Return the name of a wording: `w1:` and its digest, or `redacted:` and a number."""
    emptied = f"'redacted:' || {words.number_in(digest)}"
    named = f"'w1:' || {words.hexed(digest)}"
    return f"CASE WHEN {words.is_emptied(digest)} THEN {emptied} ELSE {named} END"


def renewal_seq(table: str, row: str) -> str:
    """Return the number of a row since its last renewal, 0 if there was none."""
    own = f"renewed.table_name = '{table}' AND renewed.row_id = {row}"
    return f"coalesce((SELECT renewed.seq FROM renewal renewed WHERE {own}), 0)"


def raw_digest(words: SqlWords) -> str:
    """Return the digest of a capture `b`, null if it was redacted."""
    held = words.hexed("b.digest")
    return f"CASE WHEN {words.is_emptied('b.digest')} THEN NULL ELSE {held} END"
