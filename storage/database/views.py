"""The documented views: one definition each, rendered for SQLite and for PostgreSQL.

A view has the columns in `VIEWS`; its query has additional ones, whose names begin with
`row_` or end in `_id`: the keys by which `storage.read.archive` finds its rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from storage.database.rows import FIELD_BLOCK
from storage.database.view_queries.fronts import fronts_query, teasers_query
from storage.database.view_queries.rights import rights_query
from storage.values.change_class import ChangeClass
from storage.values.outcome import INTERSTITIALS

if TYPE_CHECKING:
    from sqlalchemy import Connection

READER_ROLE = "lesart_reader"
"""The role that may select only from the views, if the database has roles."""

VIEWS = (
    "articles",
    "versions",
    "fields",
    "changes",
    "entries",
    "observations",
    "relations",
    "noise",
    "addresses",
    "transfers",
    "rights",
    "teasers",
    "fronts",
    "outside_copies",
    "refusals",
    "jobs",
)
"""The names of the views, in the order of creation."""

RESTRICTED = (
    "(SELECT ro.article_id FROM restriction rs "
    "JOIN article_origin ro ON ro.origin_id = rs.origin_id "
    "LEFT JOIN restriction_lifted rl ON rl.restriction_id = rs.id WHERE rl.id IS NULL)"
)
"""The hidden articles, as a query."""

_COLUMNS = {
    "articles": """
        seq article id origin origins source title published published_precision published_from
        published_to language publisher versions state first_seen last_seen cluster""",
    "versions": """
        seq article version wording title text language authors publisher section tags published
        published_precision published_from published_to modified modified_precision word_count
        flags changed_after changed_by first_seen last_seen raw_digest""",
    "fields": "seq article version name value found_in confidence candidates",
    "changes": """
        seq article version wording changed_after changed_by first_seen last_seen title changes
        silent words_added words_removed removed added noise notices method""",
    "entries": """
        seq article version entry event entry_before time headline text changed_after
        changed_by""",
    "observations": """
        seq article origin observed_at recorded_at foreign outcome http_status version wording
        raw_digest note checks until""",
    "relations": """
        seq id a b kind score method threshold earlier agency decided_at undone_at""",
    "noise": """
        seq id article rules wording_before wording_after observed_at method decided_at
        undone_at""",
    "addresses": """
        seq article origin first_seen last_seen redirected_since redirected_until joined_by
        joined_to joined_at lineage undone_at""",
    "transfers": """
        seq article origin observed_at foreign address http_status hops request response_headers
        peer tls_version certificate duration_ms wire_bytes body_encoding rights""",
    "rights": """
        seq article origin found_in protocol name value machine_readable changed_after first_seen
        last_seen ended_by checks foreign""",
    "teasers": """
        seq front observed_at position origin headline kicker heading_level picture foreign""",
    "fronts": """
        seq front origin headline kicker position first_position last_position heading_level
        picture headline_test changed_after first_seen last_seen ended_by checks foreign""",
    "outside_copies": """
        seq article version origin observed_at archive address captured_at recorded_at""",
    "refusals": "seq job locator code message hint kept raw_digest at source",
    "jobs": """
        seq job kind source state trigger attempts created_at started_at finished_at reason seen
        new_articles new_versions unchanged noise copies refused failed gone passed_over seconds
        parent""",
}
COLUMNS = MappingProxyType({name: tuple(words.split()) for name, words in _COLUMNS.items()})
"""The columns of each view, in order, the same on both databases."""


def create_views(connection: "Connection") -> None:
    """Create all views; the caller drops the old ones first."""
    for name in VIEWS:
        columns = ", ".join(f'"{column}"' for column in COLUMNS[name])
        query = view_query(name, connection.dialect.name)
        connection.exec_driver_sql(f"CREATE VIEW {name} AS SELECT {columns} FROM ({query}) q")


def open_alone(value: str, article: str = "a.id", otherwise: str = "NULL") -> str:
    """Return the expression for a value that is null if its article is restricted."""
    return f"CASE WHEN {article} IN {RESTRICTED} THEN {otherwise} ELSE {value} END"


def drop_views(connection: "Connection") -> None:
    for name in reversed(VIEWS):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")


def view_query(name: str, dialect: str) -> str:
    """Return the SELECT of the view `name` with its keys, in the SQL of `dialect`."""
    return _QUERIES[name](_words(dialect))


def snapshots_query(dialect: str) -> str:
    """Return the rows of the view `observations` that belong to articles."""
    words = _words(dialect)
    return f"{_snapshots(words)} UNION ALL {_confirmations(words)}"


def steps_query(dialect: str) -> str:
    """Return every version with its change: the view `changes`, and each first version."""
    return _steps(_words(dialect))


def element_of(listed: str, wanted: str, dialect: str) -> str:
    """Return the condition that an element of the JSON list `listed` is among `wanted`."""
    each = _words(dialect).elements(listed)
    return f"EXISTS (SELECT 1 FROM {each} WHERE e.value IN {wanted})"


def edit_condition(listed: str, dialect: str) -> str:
    """Return the condition that the classes `listed` are not those of new entries alone."""
    added = f"('{ChangeClass.ENTRY_ADDED}')"
    others = element_of(listed, added, dialect).replace(" IN ", " NOT IN ", 1)
    return f"({others} OR NOT {element_of(listed, added, dialect)})"


def seconds_between(a: str, b: str, dialect: str) -> str:
    """Return the expression for the seconds from the time `a` to the time `b`."""
    return _words(dialect).seconds(a, b)


@dataclass(frozen=True, slots=True)
class _Words:
    """The differences between the SQL of the two databases."""

    hexed: Callable[[str], str]
    is_emptied: Callable[[str], str]
    number_in: Callable[[str], str]
    json_at: Callable[[str, str], str]
    text_at: Callable[[str, str], str]
    greater: Callable[[str, str], str]
    seconds: Callable[[str, str], str]
    empty_list: str
    with_word: Callable[[str, str], str]
    no_time: str
    no_name: str
    has_lateral: bool
    origins: str
    elements: Callable[[str], str]
    each_field: str
    field_ordinal: str
    each_entry: str
    entry_ordinal: str


_SQLITE = _Words(
    hexed=lambda value: f"nullif(lower(hex({value})), '')",
    is_emptied=lambda digest: f"substr({digest}, 1, 8) = X'7265646163746564'",
    number_in=lambda digest: f"ltrim(CAST(substr({digest}, 9) AS text), '0')",
    json_at=lambda value, path: f"nullif({value} -> '$.{path}', 'null')",
    text_at=lambda value, path: f"({value} ->> '$.{path}')",
    greater=lambda a, b: f"max({a}, {b})",
    seconds=lambda a, b: f"round((julianday({b}) - julianday({a})) * 86400, 3)",
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
    each_field="json_each(d.detail, '$.fields') f",
    field_ordinal="f.rowid",
    each_entry="json_each(v.entries) f",
    entry_ordinal="f.key",
)

_POSTGRES = _Words(
    hexed=lambda value: f"encode({value}, 'hex')",
    is_emptied=lambda digest: f"substr({digest}, 1, 8) = 'redacted'::bytea",
    number_in=lambda digest: f"ltrim(convert_from(substr({digest}, 9), 'UTF8'), '0')",
    json_at=lambda value, path: f"nullif({value} #> '{_braced(path)}', 'null'::jsonb)",
    text_at=lambda value, path: f"({value} #>> '{_braced(path)}')",
    greater=lambda a, b: f"greatest({a}, {b})",
    seconds=lambda a, b: f"round(extract(epoch FROM {b} - {a}), 3)::float8",
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
    each_field="jsonb_each(d.detail -> 'fields') WITH ORDINALITY AS f(key, value, ordinal)",
    field_ordinal="(f.ordinal - 1)",
    each_entry="jsonb_array_elements(v.entries) WITH ORDINALITY AS f(value, ordinal)",
    entry_ordinal="(f.ordinal - 1)",
)


def _words(dialect: str) -> _Words:
    return _POSTGRES if dialect == "postgresql" else _SQLITE


def _braced(path: str) -> str:
    return "{" + path.replace(".", ",") + "}"


# ------------------------------------------------------------------- confirming scans
#
# A complete scan stores no row for an unchanged file. The scans that confirm an
# observation `o` are the complete ones of its source after the scan that made it and before the
# next observation of the same place; without a next one the place must still exist. If
# another place has another wording of the article, they end there.

_AFTER = "coalesce(o.scan_id, o.id)"
_NEXT = (
    "coalesce("
    "(SELECT coalesce(n.scan_id, n.id) FROM observation n WHERE n.locator_id = o.locator_id "
    "AND n.source_id = o.source_id AND n.id > o.id ORDER BY n.id LIMIT 1), "
    "(SELECT 9223372036854775807 FROM presence p2 WHERE p2.source_id = o.source_id "
    "AND p2.locator_id = o.locator_id AND p2.observation_id = o.id AND p2.gone = FALSE), 0)"
)
_OTHER_WORDING = (
    "SELECT min(coalesce(o2.scan_id, o2.id)) FROM snapshot s2 "
    "JOIN observation o2 ON o2.id = s2.observation_id WHERE s2.article_id = s.article_id "
    "AND s2.observation_id > o.id AND s2.is_foreign = FALSE AND s2.wording_id <> s.wording_id "
    "AND EXISTS (SELECT 1 FROM scan any_scan WHERE any_scan.source_id = o.source_id)"
)
_BEFORE = f"(SELECT min(ends.edge) FROM (SELECT {_NEXT} AS edge UNION ALL {_OTHER_WORDING}) ends)"
_CONFIRMING = (
    f"c.source_id = o.source_id AND c.complete = TRUE AND c.id > {_AFTER} AND c.id < {_BEFORE}"
)
_CONFIRMABLE = "s.outcome IN ('content', 'unchanged') AND s.is_foreign = FALSE"
_ORDINAL = (
    "coalesce((SELECT min(p.ordinal) FROM presence p WHERE p.source_id = o.source_id "
    "AND p.locator_id = o.locator_id), 0)"
)
_SCANS = "FROM scan c WHERE " + _CONFIRMING


def scan_start(scan: str) -> str:
    """Return the expression for the start of a scan, in the corrected time of the archive."""
    corrected = f"SELECT k.started_at FROM corrected_scan k WHERE k.scan_id = {scan}.id"
    return f"coalesce(({corrected}), {scan}.started_at)"


def _scan_seq(scan: str) -> str:
    """Return the expression for the `seq` of what a scan confirms at the place of `o`."""
    corrected = f"SELECT k.seq FROM corrected_scan k WHERE k.scan_id = {scan}.id"
    return f"coalesce(({corrected}), {scan}.seq) - {_ORDINAL}"


def _between(words: _Words) -> str:
    """Return the joins that add `first` and `last`, the first and the last confirming scan.

    They fix the join order, because PostgreSQL would otherwise try every scan on every file.
    """
    first = f"(SELECT c.id {_SCANS} ORDER BY c.id LIMIT 1)"
    last = f"(SELECT c.id {_SCANS} ORDER BY c.id DESC LIMIT 1)"
    if words.has_lateral:
        return f"""
JOIN LATERAL (SELECT {first} AS first_id, {last} AS last_id OFFSET 0) ends ON TRUE
JOIN scan first ON first.id = ends.first_id
JOIN scan last ON last.id = ends.last_id"""
    return f"""
JOIN scan first ON first.id = {first}
JOIN scan last ON last.id = {last}"""


def _head_scans(words: _Words) -> str:
    """Return the rest of a query for the last scans that confirm `v`, the head of article `a`."""
    last = f"(SELECT c.id {_SCANS} ORDER BY c.id DESC LIMIT 1)"
    joined = (
        f"JOIN LATERAL (SELECT c.* {_SCANS} ORDER BY c.id DESC LIMIT 1) last ON TRUE"
        if words.has_lateral
        else f"JOIN scan last ON last.id = {last}"
    )
    return (
        f"FROM snapshot s JOIN observation o ON o.id = s.observation_id {joined} "
        f"WHERE s.article_id = a.id AND s.wording_id = v.wording_id AND {_CONFIRMABLE}"
    )


def _head_seq(words: _Words, own: str) -> str:
    scanned = f"(SELECT max({_scan_seq('last')}) {_head_scans(words)})"
    return words.greater(own, f"coalesce({scanned}, 0)")


def _head_last_seen(words: _Words, own: str) -> str:
    scanned = f"(SELECT max({scan_start('last')}) {_head_scans(words)})"
    return words.greater(own, f"coalesce({scanned}, {own})")


# -------------------------------------------------------------------------------- the queries


def _articles(words: _Words) -> str:
    return f"""
SELECT {_head_seq(words, "a.seq")} AS seq, a.public_id AS article, a.public_id AS id,
    r.origin AS origin, {words.origins} AS origins, src.name AS source,
    {open_alone("w.title")} AS title, {_published(words)}, d.language AS language,
    {open_alone("d.publisher")} AS publisher, a.versions AS versions,
    {open_alone("a.state", otherwise="'restricted'")} AS state, a.first_seen AS first_seen,
    {_head_last_seen(words, "a.last_seen")} AS last_seen, kin.label AS cluster,
    a.id AS article_id, a.source_id AS source_id
FROM article a
JOIN origin r ON r.id = a.origin_id
JOIN source src ON src.id = a.source_id
LEFT JOIN version v ON v.id = a.head_version_id
LEFT JOIN wording w ON w.id = v.wording_id
LEFT JOIN derivation d ON d.id = v.derivation_id
LEFT JOIN cluster_member km ON km.article_id = a.id
LEFT JOIN cluster kin ON kin.id = km.cluster_id
"""


def _published(words: _Words) -> str:
    names = ("published", "published_precision", "published_from", "published_to")
    told = {name: f"d.{name}" for name in names}
    told["row_published"] = words.json_at("d.detail", "fields.published.value")
    return ", ".join(f"{open_alone(value)} AS {name}" for name, value in told.items())


def _worded(words: _Words, digest: str) -> str:
    """Return the name of a wording: `w1:` and its digest, or `redacted:` and a number."""
    emptied = f"'redacted:' || {words.number_in(digest)}"
    named = f"'w1:' || {words.hexed(digest)}"
    return f"CASE WHEN {words.is_emptied(digest)} THEN {emptied} ELSE {named} END"


def _raw_digest(words: _Words) -> str:
    """Return the digest of a capture `b`, null if it was redacted."""
    held = words.hexed("b.digest")
    return f"CASE WHEN {words.is_emptied('b.digest')} THEN NULL ELSE {held} END"


_FROM_VERSION = """
FROM version v
JOIN article a ON a.id = v.article_id
JOIN wording w ON w.id = v.wording_id
JOIN derivation d ON d.id = v.derivation_id
"""


def _if_head(head: str, own: str) -> str:
    return f"CASE WHEN v.number = a.versions THEN {head} ELSE {own} END"


def _version_columns(words: _Words) -> str:
    """Return the common columns of the views `versions` and `changes`, with the keys of a
    version.
    """
    return f"""
    {_if_head(_head_seq(words, "v.seq"), "v.seq")} AS seq, a.public_id AS article,
    v.number AS version, {_worded(words, "w.digest")} AS wording, {open_alone("w.title")} AS title,
    v.changed_after AS changed_after, v.changed_by AS changed_by, v.changed_by AS first_seen,
    {_if_head(_head_last_seen(words, "v.last_seen"), "v.last_seen")} AS last_seen,
    d.language AS language, {_published(words)}, v.id AS version_id,
    v.article_id AS article_id, v.wording_id AS wording_id, v.derivation_id AS derivation_id,
    a.source_id AS source_id"""


def _versions(words: _Words) -> str:
    listed = {
        name: f"coalesce({open_alone(of_detail)}, {words.empty_list}) AS {name}"
        for name, of_detail in (
            ("authors", words.json_at("d.detail", "fields.authors.value")),
            ("tags", words.json_at("d.detail", "fields.tags.value")),
        )
    }
    return f"""
SELECT {_version_columns(words)}, {open_alone("w.text")} AS text, {listed["authors"]},
    {open_alone("d.publisher")} AS publisher,
    {open_alone(words.text_at("d.detail", "fields.section.value"))} AS section, {listed["tags"]},
    {open_alone(words.text_at("d.detail", "fields.modified.value.value"))} AS modified,
    {open_alone(words.text_at("d.detail", "fields.modified.value.precision"))}
        AS modified_precision,
    d.word_count AS word_count, {_flags(words)} AS flags,
    {_raw_digest(words)} AS raw_digest
{_FROM_VERSION}
JOIN capture b ON b.id = d.capture_id
"""


def _flags(words: _Words) -> str:
    """Return the flags of the text, and those of its observation."""
    emptied = words.with_word(words.empty_list, "redacted")
    flags = (
        f"coalesce({words.json_at('d.detail', 'flags')}, "
        f"CASE WHEN w.text IS NULL THEN {emptied} ELSE {words.empty_list} END)"
    )
    restricted = words.with_word(words.empty_list, "restricted")
    own = "FROM snapshot own WHERE own.observation_id = v.observation_id AND own.is_foreign = FALSE"
    shared = f"""CASE WHEN EXISTS (SELECT 1 {own} AND own.address_id <> own.origin_id)
    THEN {words.with_word(flags, "address_shared")} ELSE {flags} END"""
    return f"""CASE WHEN a.id IN {RESTRICTED} THEN {restricted}
    WHEN EXISTS (SELECT 1 FROM observation o JOIN snapshot own ON own.observation_id = o.id
        WHERE o.id = v.observation_id AND own.is_foreign = FALSE
        AND (o.clock_at IS NOT NULL OR own.observed_at <> o.observed_at))
    THEN {words.with_word(shared, "clock_suspect")} ELSE {shared} END"""


def _seq_in_block(ordinal: str) -> str:
    """Return the `seq` of a row that belongs to a version: one of its block of numbers."""
    return (
        f"CASE WHEN {ordinal} < {FIELD_BLOCK} - 1 "
        f"THEN v.seq - {FIELD_BLOCK} + 1 + {ordinal} ELSE v.seq END"
    )


def _entries(words: _Words) -> str:
    listed = {
        "entry": "id", "event": "op", "entry_before": "was", "time": "time",
        "headline": "headline", "text": "text",
    }  # fmt: skip
    columns = (f"{words.text_at('f.value', key)} AS {name}" for name, key in listed.items())
    return f"""
SELECT {_seq_in_block(words.entry_ordinal)} AS seq, a.public_id AS article, v.number AS version,
    {", ".join(columns)}, v.changed_after AS changed_after, v.changed_by AS changed_by,
    v.article_id AS article_id, {words.entry_ordinal} AS row_ordinal
FROM version v
JOIN article a ON a.id = v.article_id
CROSS JOIN {words.each_entry}
WHERE v.entries IS NOT NULL AND a.id NOT IN {RESTRICTED}
"""


def _fields(words: _Words) -> str:
    return f"""
SELECT {_seq_in_block(words.field_ordinal)} AS seq,
    a.public_id AS article, v.number AS version, f.key AS name,
    {words.json_at("f.value", "value")} AS value,
    {words.text_at("f.value", "found_in")} AS found_in,
    CAST({words.text_at("f.value", "confidence")} AS double precision) AS confidence,
    coalesce({words.json_at("f.value", "candidates")}, {words.empty_list}) AS candidates,
    v.article_id AS article_id
FROM version v
JOIN article a ON a.id = v.article_id
JOIN derivation d ON d.id = v.derivation_id
CROSS JOIN {words.each_field}
WHERE a.id NOT IN {RESTRICTED}
"""


def _changes(words: _Words) -> str:
    return f"{_steps(words)} WHERE v.number > 1"


def _steps(words: _Words) -> str:
    restricted = words.with_word(words.empty_list, "restricted")
    return f"""
SELECT {_version_columns(words)}, {open_alone("d.publisher")} AS publisher,
    {open_alone("v.changes", otherwise=restricted)} AS changes, v.silent AS silent,
    v.words_added AS words_added, v.words_removed AS words_removed,
    coalesce({open_alone("v.removed")}, {words.empty_list}) AS removed,
    coalesce({open_alone("v.added")}, {words.empty_list}) AS added,
    coalesce({open_alone("v.noise")}, {words.empty_list}) AS noise,
    coalesce({open_alone("v.notices")}, {words.empty_list}) AS notices, v.method AS method
{_FROM_VERSION}"""


def _observations(words: _Words) -> str:
    """Return three kinds of rows with equal types: otherwise PostgreSQL cannot push conditions
    down.
    """
    return f"{_snapshots(words)} UNION ALL {_confirmations(words)} UNION ALL {_articleless(words)}"


def _snapshots(words: _Words) -> str:
    return f"""
SELECT s.seq AS seq, a.public_id AS article, r.origin AS origin, s.observed_at AS observed_at,
    o.recorded_at AS recorded_at, s.is_foreign AS "foreign", s.outcome AS outcome,
    o.http_status AS http_status, s.version AS version,
    {_worded(words, "w.digest")} AS wording, {_raw_digest(words)} AS raw_digest,
    {open_alone(_NOTE)} AS note, 1 AS checks, {words.no_time} AS until,
    s.article_id AS article_id, s.observation_id AS observation_id
FROM snapshot s
JOIN observation o ON o.id = s.observation_id
JOIN article a ON a.id = s.article_id
JOIN origin r ON r.id = s.origin_id
LEFT JOIN wording w ON w.id = s.wording_id
LEFT JOIN capture b ON b.id = o.capture_id
"""


def _confirmations(words: _Words) -> str:
    return f"""
SELECT {words.greater(_scan_seq("last"), "s.seq - 1")} AS seq,
    a.public_id AS article, r.origin AS origin,
    {scan_start("first")} AS observed_at, first.recorded_at AS recorded_at, FALSE AS "foreign",
    CAST('unchanged' AS varchar) AS outcome, CAST(NULL AS integer) AS http_status,
    s.version AS version,
    {_worded(words, "w.digest")} AS wording, {_raw_digest(words)} AS raw_digest,
    CAST(NULL AS text) AS note,
    CAST((SELECT count(*) FROM scan c WHERE c.source_id = o.source_id AND c.complete = TRUE
        AND c.id BETWEEN first.id AND last.id) AS integer) AS checks,
    {scan_start("last")} AS until, s.article_id AS article_id, s.observation_id AS observation_id
FROM snapshot s
JOIN observation o ON o.id = s.observation_id{_between(words)}
JOIN article a ON a.id = s.article_id
JOIN origin r ON r.id = s.origin_id
LEFT JOIN wording w ON w.id = s.wording_id
LEFT JOIN capture b ON b.id = o.capture_id
WHERE {_CONFIRMABLE}
"""


_OF_INTERSTITIAL = " ".join(
    f"WHEN '{code}' THEN '{outcome}'" for code, outcome in INTERSTITIALS.items()
)
TURNED_OUT = f"""CASE WHEN s.outcome IS NOT NULL THEN s.outcome
        WHEN o.outcome <> 'captured' OR judged.id IS NULL THEN o.outcome
        WHEN judged.kind = 'listed' THEN 'content'
        WHEN o.http_status IS NOT NULL THEN coalesce((SELECT CASE max(f.code) {_OF_INTERSTITIAL}
            END FROM refusal f WHERE f.observation_id = o.id), 'refused')
        ELSE 'refused' END"""
"""Outcome of a check `o`, from its snapshot `s` and its verdict `judged`, if any."""


_NOTE = """coalesce(o.note, (SELECT max(f.message) FROM refusal f
        WHERE f.observation_id = o.id))"""
"""Note on a check `o`: that of the response, otherwise the reason of the refusal."""


def _articleless(words: _Words) -> str:
    """Refusals without an article; unread observations are left out."""
    return f"""
SELECT coalesce(judged.id, o.id) AS seq, {words.no_name} AS article, r.origin AS origin,
    o.observed_at AS observed_at, o.recorded_at AS recorded_at,
    coalesce(t.is_foreign, FALSE) AS "foreign",
    {TURNED_OUT} AS outcome,
    o.http_status AS http_status, CAST(NULL AS integer) AS version,
    CAST(NULL AS text) AS wording, {_raw_digest(words)} AS raw_digest, {_NOTE} AS note,
    1 AS checks, {words.no_time} AS until, CAST(NULL AS bigint) AS article_id,
    o.id AS observation_id
FROM observation o
JOIN origin r ON r.id = o.locator_id
LEFT JOIN snapshot s ON s.observation_id = o.id
LEFT JOIN verdict judged ON judged.observation_id = o.id
LEFT JOIN transfer t ON t.observation_id = o.id
LEFT JOIN capture b ON b.id = o.capture_id
WHERE s.observation_id IS NULL AND (o.outcome <> 'captured' OR judged.id IS NOT NULL)
"""


def _relations(_words: _Words) -> str:
    return """
SELECT coalesce(u.id, l.id) AS seq, l.id AS id, aa.public_id AS a, ab.public_id AS b,
    l.kind AS kind, l.score AS score, l.method AS method, l.threshold AS threshold,
    l.earlier AS earlier, l.agency AS agency, l.decided_at AS decided_at,
    u.undone_at AS undone_at, aa.id AS a_id, ab.id AS b_id, l.a_origin_id AS a_origin_id,
    l.b_origin_id AS b_origin_id, l.evidence AS row_evidence
FROM relation l
LEFT JOIN relation_undone u ON u.relation_id = l.id
LEFT JOIN article_origin oa ON oa.origin_id = l.a_origin_id
LEFT JOIN article aa ON aa.id = oa.article_id
LEFT JOIN article_origin ob ON ob.origin_id = l.b_origin_id
LEFT JOIN article ab ON ab.id = ob.article_id
WHERE aa.id IS NULL OR ab.id IS NULL OR aa.id <> ab.id
"""


def _addresses(words: _Words) -> str:
    """Return the addresses of articles: the time of the first text, and the redirect target.

    Of several lineages that lead from an address, the last one is used.
    """
    worded, led = "s.wording_id IS NOT NULL", "s.outcome = 'redirected'"
    at = "FROM snapshot s WHERE s.origin_id = r.id AND s.article_id = a.id"
    latest = "(SELECT max(l2.id) FROM lineage l2 WHERE l2.origin_id = r.id)"
    return f"""
SELECT {words.greater(f"coalesce((SELECT max(s.seq) {at}), 0)", "coalesce(u.id, l.id, 0)")} AS seq,
    a.public_id AS article, r.origin AS origin,
    (SELECT min(s.observed_at) {at} AND {worded}) AS first_seen,
    (SELECT max(s.observed_at) {at} AND {worded}) AS last_seen,
    (SELECT min(s.observed_at) {at} AND {led}) AS redirected_since,
    (SELECT max(s.observed_at) {at} AND {led}) AS redirected_until,
    l.kind AS joined_by, target.origin AS joined_to, l.decided_at AS joined_at, l.id AS lineage,
    u.undone_at AS undone_at, a.id AS article_id
FROM article_origin ao
JOIN article a ON a.id = ao.article_id
JOIN origin r ON r.id = ao.origin_id
LEFT JOIN lineage l ON l.id = {latest}
LEFT JOIN origin target ON target.id = l.to_origin_id
LEFT JOIN lineage_undone u ON u.lineage_id = l.id
"""


def _transfers(words: _Words) -> str:
    return f"""
SELECT t.id AS seq, a.public_id AS article, r.origin AS origin, o.observed_at AS observed_at,
    t.is_foreign AS "foreign", t.address AS address, o.http_status AS http_status,
    t.hops AS hops, t.request AS request, t.response_headers AS response_headers,
    t.peer AS peer, t.tls_version AS tls_version, {words.hexed("c.digest")} AS certificate,
    t.duration_ms AS duration_ms, t.wire_bytes AS wire_bytes, t.body_encoding AS body_encoding,
    t.rights AS rights
FROM transfer t
JOIN observation o ON o.id = t.observation_id
JOIN origin r ON r.id = o.locator_id
LEFT JOIN snapshot s ON s.observation_id = o.id
LEFT JOIN article a ON a.id = s.article_id
LEFT JOIN certificate c ON c.id = t.certificate_id
WHERE s.article_id IS NULL OR s.article_id NOT IN {RESTRICTED}
"""


def _rights(words: _Words) -> str:
    return rights_query("postgresql" if words.has_lateral else "sqlite", RESTRICTED)


def _teasers(words: _Words) -> str:
    return teasers_query("postgresql" if words.has_lateral else "sqlite", RESTRICTED)


def _fronts(words: _Words) -> str:
    return fronts_query("postgresql" if words.has_lateral else "sqlite", RESTRICTED)


def _outside_copies(words: _Words) -> str:
    return f"""
SELECT {words.greater("c.id", "s.seq")} AS seq, a.public_id AS article, s.version AS version,
    r.origin AS origin, s.observed_at AS observed_at, c.archive AS archive, c.address AS address,
    c.captured_at AS captured_at, c.recorded_at AS recorded_at, a.id AS article_id,
    c.observation_id AS observation_id
FROM outside_copy c
JOIN snapshot s ON s.observation_id = c.observation_id
JOIN article a ON a.id = s.article_id
JOIN origin r ON r.id = s.origin_id
WHERE c.address IS NOT NULL AND a.id NOT IN {RESTRICTED}
"""


def _noise(words: _Words) -> str:
    # the time of its snapshot may be corrected later; then the snapshot has a new seq
    seq = "CASE WHEN u.id IS NULL AND s.seq > n.id THEN s.seq ELSE coalesce(u.id, n.id) END"
    return f"""
SELECT {seq} AS seq, n.id AS id, a.public_id AS article, n.rules AS rules,
    {_worded(words, "wa.digest")} AS wording_before,
    {_worded(words, "wb.digest")} AS wording_after,
    s.observed_at AS observed_at, n.method AS method, n.decided_at AS decided_at,
    u.undone_at AS undone_at, a.id AS article_id, s.version AS version,
    n.a_derivation_id AS a_derivation_id, n.b_derivation_id AS b_derivation_id,
    n.origin_id AS origin_id
FROM noise_step n
JOIN wording wa ON wa.id = n.a_wording_id
JOIN wording wb ON wb.id = n.b_wording_id
LEFT JOIN noise_step_undone u ON u.noise_step_id = n.id
LEFT JOIN snapshot s ON s.observation_id = n.observation_id
LEFT JOIN article_origin ao ON ao.origin_id = n.origin_id
LEFT JOIN article a ON a.id = ao.article_id
WHERE a.id IS NULL OR a.id NOT IN {RESTRICTED}
"""


def _refusals(words: _Words) -> str:
    return f"""
SELECT f.id AS seq, coalesce(j.parent_id, f.job_id) AS job, f.locator AS locator,
    f.code AS code, f.message AS message, f.hint AS hint, f.kept AS kept,
    {_raw_digest(words)} AS raw_digest, f.at AS at, r.name AS source,
    f.source_id AS source_id
FROM refusal f
LEFT JOIN source r ON r.id = f.source_id
LEFT JOIN job j ON j.id = f.job_id
LEFT JOIN capture b ON b.id = f.capture_id
"""


_SEEN = ("new_articles", "new_versions", "unchanged", "copies", "refused", "failed")
_COUNTS = (*_SEEN, "noise", "gone", "passed_over")


def _jobs(words: _Words) -> str:
    """Return jobs; a job with children includes their work.

    It is listed again when a child changes, so its number is that of the child: jobs with
    children have even numbers, others odd ones, and no two rows share one.
    """
    counts = ", ".join(f"j.{name} + {_child(f'sum(k.{name})', '0')} AS {name}" for name in _COUNTS)
    columns = ", ".join(f"t.{name}" for name in _COUNTS)
    seen = " + ".join(f"t.{name}" for name in _SEEN)
    greater = words.greater("j.seq", _child("max(k.seq)", "0"))
    finished = words.greater("j.finished_at", _child("max(k.finished_at)", "j.finished_at"))
    return f"""
SELECT 2 * t.seq + CASE WHEN t.parent IS NULL THEN 1 ELSE 0 END AS seq, t.job AS job,
    t.kind AS kind, t.source AS source, t.state AS state,
    t.triggered AS "trigger", t.attempts AS attempts, t.created_at AS created_at,
    t.started_at AS started_at,
    CASE WHEN t.state IN ('ready', 'running') THEN NULL ELSE t.finished_at END AS finished_at,
    t.reason AS reason, CAST({seen} AS bigint) AS seen, {columns},
    CASE WHEN t.state IN ('ready', 'running') THEN NULL
        ELSE {words.seconds("t.started_at", "t.finished_at")} END AS seconds,
    t.parent AS parent
FROM (
    SELECT {greater} AS seq, j.id AS job, j.kind AS kind, src.name AS source,
        CASE WHEN j.state <> 'done' THEN j.state
            WHEN {_child_is("'ready', 'running'")} THEN 'running'
            WHEN {_child_is("'quarantined'")} THEN 'quarantined'
            ELSE 'done' END AS state,
        j."trigger" AS triggered, j.attempts AS attempts, j.created_at AS created_at,
        j.started_at AS started_at, {finished} AS finished_at,
        coalesce(j.reason, (SELECT k.reason FROM job k WHERE k.parent_id = j.id
            AND (k.state = 'quarantined' OR (k.kind = 'fetch' AND k.state = 'done'))
            AND k.reason IS NOT NULL ORDER BY k.id LIMIT 1)) AS reason,
        {counts}, j.parent_id AS parent
    FROM job j
    LEFT JOIN source src ON src.id = j.source_id
) t
"""


def _child(aggregate: str, otherwise: str) -> str:
    return f"coalesce((SELECT {aggregate} FROM job k WHERE k.parent_id = j.id), {otherwise})"


def _child_is(states: str) -> str:
    return f"EXISTS (SELECT 1 FROM job k WHERE k.parent_id = j.id AND k.state IN ({states}))"


_QUERIES: dict[str, Callable[[_Words], str]] = {
    "articles": _articles,
    "versions": _versions,
    "fields": _fields,
    "changes": _changes,
    "entries": _entries,
    "observations": _observations,
    "relations": _relations,
    "noise": _noise,
    "addresses": _addresses,
    "transfers": _transfers,
    "rights": _rights,
    "teasers": _teasers,
    "fronts": _fronts,
    "outside_copies": _outside_copies,
    "refusals": _refusals,
    "jobs": _jobs,
}
