"""The queries of the views of articles, versions, their changes, fields, entries and addresses."""

from datetime import datetime
from typing import Any

from storage.database.view_facts import FIELD_BLOCK, View
from storage.database.view_queries.own_times import act_time
from storage.database.view_queries.scans import head_last_seen, head_seq
from storage.database.view_queries.sql_words import (
    RESTRICTED,
    SqlWords,
    name_of_wording,
    names_restricted,
    open_alone,
    raw_digest,
    renewal_seq,
)


class Article:
    """An article, with the title, the dates and the interval of change of its latest version."""

    seq: int
    article: str
    id: str
    origin: str
    origins: list[str]
    source: str
    title: str | None
    published: str | None
    published_precision: str | None
    published_from: datetime | None
    published_to: datetime | None
    language: str | None
    publisher: str | None
    versions: int
    state: str
    first_seen: datetime
    last_seen: datetime
    cluster: str | None
    changed_after: datetime | None
    changed_by: datetime | None


def select_articles(words: SqlWords) -> str:
    return f"""
SELECT {head_seq(words, "a.seq")} AS seq, a.public_id AS article, a.public_id AS id,
    r.origin AS origin, {words.origins} AS origins, src.name AS source,
    {open_alone("w.title")} AS title, {_date_columns(words)}, d.language AS language,
    {open_alone("d.publisher")} AS publisher, a.versions AS versions,
    {open_alone("a.state", otherwise="'restricted'")} AS state, a.first_seen AS first_seen,
    {head_last_seen(words, "a.last_seen")} AS last_seen, kin.label AS cluster,
    v.changed_after AS changed_after, v.changed_by AS changed_by,
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


ARTICLES = View("articles", Article, ("article",), select_articles, "article")


def _date_columns(words: SqlWords) -> str:
    names = ("published", "published_precision", "published_from", "published_to")
    told = {name: f"d.{name}" for name in names}
    told["row_published"] = words.json_at("d.detail", "fields.published.value")
    return ", ".join(f"{open_alone(value)} AS {name}" for name, value in told.items())


_FROM_VERSION = """
FROM version v
JOIN article a ON a.id = v.article_id
JOIN wording w ON w.id = v.wording_id
JOIN derivation d ON d.id = v.derivation_id
"""


def _if_head(head: str, own: str) -> str:
    return f"CASE WHEN v.number = a.versions THEN {head} ELSE {own} END"


def _version_columns(words: SqlWords) -> str:
    """Return the common columns of the views `versions` and `changes`, with the keys of a
    version.
    """
    return f"""
    {_if_head(head_seq(words, "v.seq"), "v.seq")} AS seq, a.public_id AS article,
    v.number AS version, {name_of_wording(words, "w.digest")} AS wording,
    {open_alone("w.title")} AS title,
    v.changed_after AS changed_after, v.changed_by AS changed_by, v.changed_by AS first_seen,
    {_if_head(head_last_seen(words, "v.last_seen"), "v.last_seen")} AS last_seen,
    d.language AS language, {_date_columns(words)}, v.id AS version_id,
    v.article_id AS article_id, v.wording_id AS wording_id, v.derivation_id AS derivation_id,
    a.source_id AS source_id"""


class Version:
    """A version of an article, with its complete text."""

    seq: int
    article: str
    version: int
    wording: str
    title: str | None
    text: str | None
    language: str | None
    authors: list[Any]
    publisher: str | None
    section: str | None
    tags: list[Any]
    published: str | None
    published_precision: str | None
    published_from: datetime | None
    published_to: datetime | None
    modified: str | None
    modified_precision: str | None
    word_count: int | None
    flags: list[str]
    changed_after: datetime | None
    changed_by: datetime
    first_seen: datetime
    last_seen: datetime
    raw_digest: str | None
    rows_after: int


def select_versions(words: SqlWords) -> str:
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
    {raw_digest(words)} AS raw_digest, v.seq - {FIELD_BLOCK} AS rows_after
{_FROM_VERSION}
JOIN capture b ON b.id = d.capture_id
"""


VERSIONS = View("versions", Version, ("article", "version"), select_versions, "version")


def _flags(words: SqlWords) -> str:
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


class EntryEvent:
    """What happened to one entry of a live blog in the step to a version."""

    seq: int
    article: str
    version: int
    entry: str
    event: str
    entry_before: str | None
    time: str | None
    headline: str | None
    text: str | None
    changed_after: datetime | None
    changed_by: datetime


def select_entries(words: SqlWords) -> str:
    listed = {
        "entry": "id", "event": "op", "entry_before": "was", "time": "time",
        "headline": "headline", "text": "text",
    }  # fmt: skip
    columns = (f"{words.text_at('f.value', key)} AS {name}" for name, key in listed.items())
    return f"""
SELECT {_seq_in_block(words.ordinal("f"))} AS seq, a.public_id AS article, v.number AS version,
    {", ".join(columns)}, v.changed_after AS changed_after, v.changed_by AS changed_by,
    v.article_id AS article_id, {words.ordinal("f")} AS row_ordinal
FROM version v
JOIN article a ON a.id = v.article_id
CROSS JOIN {words.each_in("v.entries", "f")}
WHERE v.entries IS NOT NULL AND a.id NOT IN {RESTRICTED}
"""


ENTRIES = View(
    "entries", EntryEvent, ("article", "version", "entry", "event"), select_entries, "rows_after",
    shares_seq=True,
)  # fmt: skip


_OWN_TEXT = "(coalesce(w.title, '') || ' ' || coalesce(w.text, ''))"


class VersionField:
    """A metadata value of a version."""

    seq: int
    article: str
    version: int
    name: str
    value: Any
    found_in: str | None
    confidence: float | None
    candidates: list[Any]


def select_fields(words: SqlWords) -> str:
    return f"""
SELECT {_seq_in_block(words.member_ordinal("f"))} AS seq,
    a.public_id AS article, v.number AS version, f.key AS name,
    {words.json_at("f.value", "value")} AS value,
    {words.text_at("f.value", "found_in")} AS found_in,
    CAST({words.text_at("f.value", "confidence")} AS double precision) AS confidence,
    coalesce({words.json_at("f.value", "candidates")}, {words.empty_list}) AS candidates,
    v.article_id AS article_id
FROM version v
JOIN article a ON a.id = v.article_id
JOIN derivation d ON d.id = v.derivation_id
JOIN wording w ON w.id = v.wording_id
CROSS JOIN {words.each_member("d.detail", "fields", "f")}
WHERE a.id NOT IN {RESTRICTED} AND NOT {names_restricted(words, "f.value", _OWN_TEXT)}
"""


FIELDS = View(
    "fields", VersionField, ("article", "version", "name"), select_fields, "rows_after",
    shares_seq=True,
)  # fmt: skip


class Change:
    """A change from one version of an article to the next."""

    seq: int
    article: str
    version: int
    wording: str
    occurrence: int
    changed_after: datetime | None
    changed_by: datetime
    first_seen: datetime
    last_seen: datetime
    title: str | None
    changes: list[str]
    silent: bool | None
    words_added: int
    words_removed: int
    removed: list[str]
    added: list[str]
    noise: list[Any]
    notices: list[Any]
    method: int


def select_changes(words: SqlWords) -> str:
    return f"{select_steps(words)} WHERE v.number > 1"


CHANGES = View("changes", Change, ("article", "version"), select_changes, "version")


def select_steps(words: SqlWords) -> str:
    restricted = words.with_word(words.empty_list, "restricted")
    return f"""
SELECT {_version_columns(words)}, {open_alone("d.publisher")} AS publisher,
    (SELECT count(*) FROM version same WHERE same.article_id = v.article_id
        AND same.wording_id = v.wording_id AND same.number <= v.number) AS occurrence,
    {open_alone("v.changes", otherwise=restricted)} AS changes, v.silent AS silent,
    v.words_added AS words_added, v.words_removed AS words_removed,
    coalesce({open_alone("v.removed")}, {words.empty_list}) AS removed,
    coalesce({open_alone("v.added")}, {words.empty_list}) AS added,
    coalesce({open_alone("v.noise")}, {words.empty_list}) AS noise,
    coalesce({open_alone("v.notices")}, {words.empty_list}) AS notices, v.method AS method
{_FROM_VERSION}"""


class Address:
    """An address of an article."""

    seq: int
    article: str
    origin: str
    first_seen: datetime | None
    last_seen: datetime | None
    redirected_since: datetime | None
    redirected_until: datetime | None
    joined_by: str | None
    joined_to: str | None
    joined_at: datetime | None
    lineage: int | None
    undone_at: datetime | None
    id: int


def select_addresses(words: SqlWords) -> str:
    """Return the addresses of articles: the time of the first text, and the redirect target.

    Of several lineages that lead from an address, the last one is used.
    """
    worded, led = "s.wording_id IS NOT NULL", "s.outcome = 'redirected'"
    at = "FROM snapshot s WHERE s.origin_id = r.id AND s.article_id = a.id"
    latest = "(SELECT max(l2.id) FROM lineage l2 WHERE l2.origin_id = r.id)"
    own = words.greater(f"coalesce((SELECT max(s.seq) {at}), 0)", "coalesce(u.id, l.id, 0)")
    renewed = words.greater(renewal_seq("origin", "r.id"), renewal_seq("lineage", "l.id"))
    return f"""
SELECT {words.greater(own, renewed)} AS seq,
    a.public_id AS article, r.origin AS origin,
    (SELECT min(s.observed_at) {at} AND {worded}) AS first_seen,
    (SELECT max(s.observed_at) {at} AND {worded}) AS last_seen,
    (SELECT min(s.observed_at) {at} AND {led}) AS redirected_since,
    (SELECT max(s.observed_at) {at} AND {led}) AS redirected_until,
    l.kind AS joined_by, target.origin AS joined_to, l.id AS lineage,
    {act_time(words, "l", "decided_at", is_stated=False)} AS joined_at,
    {act_time(words, "u", "undone_at", is_stated=False)} AS undone_at,
    r.id AS id, a.id AS article_id
FROM article_origin ao
JOIN article a ON a.id = ao.article_id
JOIN origin r ON r.id = ao.origin_id
LEFT JOIN lineage l ON l.id = {latest}
LEFT JOIN origin target ON target.id = l.to_origin_id
LEFT JOIN lineage_undone u ON u.lineage_id = l.id
"""


ADDRESSES = View("addresses", Address, ("id",), select_addresses, "never")
