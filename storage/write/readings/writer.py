"""Store readings: wordings, derivations, verdicts, and the articles that they change."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import select

from storage.capabilities.hooks import ReadText
from storage.database.tables import (
    ARTICLE_ORIGIN,
    PRESENCE,
    RELATION_DUE,
    VERDICT,
    VERSION,
)
from storage.database.unit import Unit, rows_in, update_rows
from storage.database.view_facts import FIELD_BLOCK
from storage.diff.change import CaptureContent
from storage.diff.entry_changes import first_entries
from storage.history.absences import find_unrecorded_absences, record_absences
from storage.history.address_claims import Claims, Position
from storage.history.article_rows import add_article, add_snapshot, add_version
from storage.history.changes import CaptureComparer
from storage.history.corrected_times import clock_corrections, time_after_corrections
from storage.history.lineages import Lineages, name_articles
from storage.history.neighbours import (
    KnownArticle,
    reader_of,
)
from storage.history.noise.decisions import waiting
from storage.history.renewals import NamingVersions, find_overtaken, renew_confirmed
from storage.history.runs import Snapshot
from storage.history.steps import FIRST_STEP, stored_entries
from storage.history.versions import compare_again, rebuild_all
from storage.record.derivation_detail import named
from storage.record.derivations import DerivationWriter, PreparedDrafts
from storage.record.observations import add_refusal, add_verdict, ensure_origins
from storage.record.reading import IndexInput, Reading, ReExtracted
from storage.relations.candidates import IndexedWording
from storage.values.digest import origin_id
from storage.values.draft import Draft
from storage.values.verdict import (
    Copy,
    Counts,
    NewVersion,
    OriginKnowledge,
    Refuse,
    UnchangedVerdict,
    Unconfirmed,
    Verdict,
)
from storage.write.readings.confirmed import settle_confirmed
from storage.write.readings.known_content import ExactCopies, KnownContent, WordingHolder


class NewWording(NamedTuple):
    """A wording that a reading added, and its article."""

    article: KnownArticle
    wording: int
    reading: Reading


def indexed_wordings(unit: Unit, new: Sequence[NewWording]) -> list[IndexedWording]:
    """Return new wordings with their index keys, which PostgreSQL adds after the commit."""
    own: dict[int, set[int]] = {each.article.id: set() for each in new}
    query = select(VERSION.c.article_id, VERSION.c.wording_id)
    stored = [each.article.id for each in new if each.article.stored]
    for article_id, wording in rows_in(unit.connection, query, VERSION.c.article_id, stored):
        own[article_id].add(wording)
    indexed = []
    for article, wording, reading in new:
        assert reading.index_keys is not None
        others = frozenset(own[article.id] - {wording})
        day = reading.day.toordinal() if reading.day else 0
        indexed.append(IndexedWording(wording, reading.index_keys, day, others))
        own[article.id].add(wording)
        if unit.connection.dialect.name == "postgresql":
            due = {"wording_id": wording, "found": None, "recorded_at": unit.now}
            unit.add(RELATION_DUE, due)
    return indexed


def place_readings(unit: Unit, readings: Sequence[Reading]) -> list[Position]:
    """Return the origin and the corrected time of each reading."""
    names = [named(reading) for reading in readings]
    known = ensure_origins(unit, [n.address for n in names if n.address])
    corrections = clock_corrections(unit.connection)
    places = []
    for reading, name in zip(readings, names, strict=True):
        address = known[name.address] if name.address else None
        locator = reading.captured.locator_id
        places.append(
            Position(
                reading=reading,
                locator_id=locator,
                address_id=address,
                origin_id=locator if address is None else address,
                moment=name.moment
                if name.foreign
                else time_after_corrections(
                    corrections, reading.captured.observation_id, name.moment
                ),
                foreign=name.foreign,
            )
        )
    return places


def origin_name(place: Position) -> str:
    """Return the address of the origin of a reading."""
    if place.address_id is not None and place.origin_id == place.address_id:
        address = named(place.reading).address
        assert address is not None
        return address
    return place.reading.captured.locator


def create_article(
    unit: Unit, place: Position, snapshot: Snapshot, content: CaptureContent
) -> KnownArticle:
    """Create the article of a new origin, with its first version."""
    captured = place.reading.captured
    article, top = unit.number(2), unit.number(FIELD_BLOCK)
    version = article - 1
    unit.add(ARTICLE_ORIGIN, {"origin_id": place.origin_id, "article_id": article})
    add_article(
        unit, origin_id(origin_name(place)), place.origin_id, captured.source_id,
        number=article, seen=place.moment, head_version_id=version,
    )  # fmt: skip
    first = {
        "wording_id": snapshot.wording_id, "derivation_id": snapshot.derivation_id,
        "observation_id": captured.observation_id, "changed_after": None,
        "changed_by": place.moment, "last_seen": place.moment, **FIRST_STEP,
        "entries": stored_entries(first_entries(content.entry_texts)),
    }  # fmt: skip
    add_version(unit, article, 1, first, row_id=version, seq=top)
    known = KnownArticle(article, place.origin_id, False, None, None)
    known.append(snapshot)
    return known


def create_empty_article(unit: Unit, place: Position) -> KnownArticle:
    """Create the article of a new origin whose first text is held back."""
    article = unit.number()
    unit.add(ARTICLE_ORIGIN, {"origin_id": place.origin_id, "article_id": article})
    add_article(
        unit, origin_id(origin_name(place)), place.origin_id,
        place.reading.captured.source_id, number=article, seen=place.moment,
    )  # fmt: skip
    return KnownArticle(article, place.origin_id, True, None, None)


Decide = Callable[[Any, OriginKnowledge], Verdict]
"""Decides on the outcome of a reading: a draft or a refusal."""


class ReadingWriter:
    """Stores the readings of one job in one unit of work."""

    def __init__(
        self,
        unit: Unit,
        job_id: int,
        comparing: CaptureComparer,
        to_derive: PreparedDrafts,
        naming: NamingVersions,
    ) -> None:
        self.unit = unit
        self.job_id = job_id
        self.decided: list[tuple[Reading, Verdict]] = []
        self.wordings: list[IndexedWording] = []
        self._indexed: list[NewWording] = []
        self._deriving = DerivationWriter(unit, to_derive)
        self._changed: dict[int, bool] = {}
        self._copies = ExactCopies(unit)
        self._refused: list[int] = []
        self._lineages = Lineages(unit, naming)
        self._comparing = comparing
        self._known = KnownContent(unit, self._deriving, self._copies, comparing)

    def committed(self) -> None:
        """Update the memory of the process after the commit."""
        self._comparing.remember()

    @property
    def to_index(self) -> list[IndexInput]:
        """Return the wordings to index, with their words."""
        return self._deriving.to_index

    def keep(
        self, readings: Sequence[Reading], decide: Decide, re_extracted: Sequence[ReExtracted] = ()
    ) -> Counts:
        """Decide on each reading in chronological order, and write the results.

        `re_extracted` are earlier captures extracted again for comparison.

        Raises: NotComparableError if more captures must be extracted again.
        """
        readings = self._without_verdict(readings)
        places = place_readings(self.unit, readings)
        claims = Claims(self.unit, self._changed)
        claims.settle(places)
        self._lineages.settle(places)
        places.sort(key=lambda p: (p.moment, p.reading.captured.observation_id))
        self._known.load(places, re_extracted)
        self._known.make_comparable(places, re_extracted)
        totals = dict.fromkeys(Counts.__slots__, 0)
        for place in places:
            verdict = decide(place.reading.outcome, self._known.knowledge_of(place))
            if isinstance(verdict, Refuse):
                self._refuse(place, verdict)
            else:
                self._store_text(place, verdict)
            self.decided.append((place.reading, verdict))
            totals[verdict.counted_as] += 1
            totals["noise"] += isinstance(verdict, UnchangedVerdict) and verdict.is_noise
            totals["unconfirmed"] += isinstance(verdict, Unconfirmed)
        self._settle(places, claims)
        return Counts(**totals)

    # ------------------------------------------------------------------ stored content

    def _without_verdict(self, readings: Sequence[Reading]) -> list[Reading]:
        ids = [reading.captured.observation_id for reading in readings]
        query = select(VERDICT.c.observation_id)
        done = {
            row[0] for row in rows_in(self.unit.connection, query, VERDICT.c.observation_id, ids)
        }
        return [r for r in readings if r.captured.observation_id not in done]

    # ------------------------------------------------------------------- results

    def _store_text(self, place: Position, verdict: Verdict) -> None:
        draft, digest = place.reading.outcome, place.reading.digest
        assert isinstance(draft, Draft)
        assert digest is not None
        content = self._comparing.content_of(place.reading)
        if flags := self._known.find_flags(place, draft, verdict):
            draft = replace(draft, flags=(*draft.flags, *flags))
        is_new = digest not in self._deriving.wordings
        wording = self._deriving.wording(draft, digest, place.reading)
        derivation = self._deriving.derivation(draft, wording, place.reading)
        if is_new:
            self._deriving.texts.append(ReadText(wording, derivation, draft, is_known=False))
        number = place.reading.captured.observation_id
        snapshot = Snapshot(
            place.moment, number, wording, digest, derivation, reader=reader_of(draft)
        )
        article = self._known.articles.get(place.origin_id)
        if isinstance(verdict, Unconfirmed):
            self._hold(place, article, snapshot)
            return
        if article is None:
            article = create_article(self.unit, place, snapshot, content)
            self._known.articles[place.origin_id] = article
            self._comparing.set_origin(article.id, origin_name(place))
            self._lineages.began(place.origin_id, article.id, self._known.articles)
            version, outcome = 1, "content"
        else:
            late = article.append(snapshot)
            self._changed[article.id] = self._changed.get(article.id, False) or late
            version, outcome = (
                None,
                "unchanged" if isinstance(verdict, UnchangedVerdict) else "content",
            )
        if is_new and place.reading.index_keys is not None:
            self._indexed.append(NewWording(article, wording, place.reading))
        self._known.add_snapshot(article.id, snapshot)
        self._comparing.add_pending(derivation, wording, content, article.id, origin_name(place))
        self._snapshot(place, article.id, outcome, wording, derivation, version)
        self._verdict(place, verdict.kind, derivation)
        self._record_copy(place, article, wording, verdict)

    def _hold(self, place: Position, article: KnownArticle | None, snapshot: Snapshot) -> None:
        """Store a text that is held back; its article is computed from all readings."""
        if article is None:
            article = create_empty_article(self.unit, place)
            self._known.articles[place.origin_id] = article
            self._comparing.set_origin(article.id, origin_name(place))
            self._lineages.began(place.origin_id, article.id, self._known.articles)
        article.held.append(snapshot)
        self._changed[article.id] = True
        content = self._comparing.content_of(place.reading)
        self._comparing.set_content(snapshot.derivation_id, content)
        self._snapshot(place, article.id, "unconfirmed", None, snapshot.derivation_id, None)
        self._verdict(place, Unconfirmed.kind, snapshot.derivation_id)

    def _snapshot(
        self,
        place: Position,
        article: int,
        outcome: str,
        wording: int | None,
        derivation: int | None,
        version: int | None,
    ) -> None:
        captured = place.reading.captured
        add_snapshot(
            self.unit,
            observation_id=captured.observation_id,
            article_id=article,
            origin_id=place.origin_id,
            locator_id=place.locator_id,
            address_id=place.address_id,
            source_id=captured.source_id,
            observed_at=place.moment,
            is_foreign=place.foreign,
            outcome=outcome,
            wording_id=wording,
            derivation_id=derivation,
            version=version,
        )

    def _verdict(self, place: Position, kind: str, derivation: int | None) -> None:
        number = place.reading.captured.observation_id
        add_verdict(self.unit, self.job_id, number, kind, derivation)

    def _refuse(self, place: Position, verdict: Refuse) -> None:
        captured = place.reading.captured
        self._verdict(place, "refused", None)
        self._refused.append(captured.observation_id)
        add_refusal(
            self.unit, verdict.refused, captured.locator, job_id=self.job_id,
            source_id=captured.source_id, observation_id=captured.observation_id,
            capture_id=None if verdict.refused.code == "redacted" else captured.capture_id,
        )  # fmt: skip

    def _record_copy(
        self, place: Position, article: KnownArticle, wording: int, verdict: Verdict
    ) -> None:
        holder = self._copies.hold(
            wording, WordingHolder(article.id, place.origin_id, place.moment)
        )
        if isinstance(verdict, (Copy, NewVersion)) and holder.article != article.id:
            self._copies.relate((article.origin_id, holder.origin), place.moment, holder.since)

    # ------------------------------------------------------------------------ the end

    def _settle(self, places: Sequence[Position], claims: Claims) -> None:
        unit = self.unit
        self._deriving.add_wording_rows()
        unit.flush()
        fresh = {a.id for a in self._known.articles.values() if not a.stored}
        whole = {article: late or article in fresh for article, late in self._changed.items()}
        confirmed = rebuild_all(unit, whole, self._comparing)
        if late := [article for article, is_late in self._changed.items() if is_late]:
            name_articles(unit, late)
        compare_again(unit, self._comparing, waiting(self._comparing))
        self._copies.settle(claims.displaced)
        self.wordings = indexed_wordings(unit, self._indexed)
        self._lineages.settle_late()
        self._lineages.settle_copies(self._copies.pairs)
        stood_at = [p for place in places for p in (place.locator_id, place.origin_id)]
        redirecting = self._lineages.find_redirecting(places)
        absent = find_unrecorded_absences(unit, [*stood_at, *redirecting])
        confirmed |= record_absences(unit, sorted({*absent, *self._refused}))
        if confirmed:
            settle_confirmed(unit, confirmed)
        refused = [{"observation_id": number, "refused": True} for number in self._refused]
        update_rows(unit.connection, PRESENCE, ("observation_id",), refused)
        overtaken = find_overtaken(unit, [p.reading.captured.observation_id for p in places])
        renew_confirmed(unit, {*overtaken, *claims.left, *claims.displaced})
