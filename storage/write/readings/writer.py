"""Store readings: wordings, derivations, verdicts, and the articles that they change."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import case, select

from storage.database.tables import (
    ARTICLE,
    ARTICLE_ORIGIN,
    DERIVATION,
    PRESENCE,
    SNAPSHOT,
    VERDICT,
    VERSION,
    WORDING,
)
from storage.database.unit import Unit, rows_in, update_rows
from storage.history.absences import find_unrecorded_absences, record_absences
from storage.history.address_claims import Claims, Position
from storage.history.article_rows import add_snapshot
from storage.history.changes import CaptureComparer
from storage.history.lineages import Lineages
from storage.history.neighbours import (
    KnownArticle,
    Neighbours,
    NotComparableError,
    Surroundings,
    reader_of,
)
from storage.history.noise.decisions import undone_wordings, waiting
from storage.history.runs import Snapshot
from storage.history.versions import compare_again, rebuild_all
from storage.record.derivations import BYTES_GONE, DerivationWriter, PreparedDrafts
from storage.record.observations import add_refusal, add_verdict
from storage.record.reading import IndexInput, Reading, ReExtracted
from storage.relations.candidates import IndexedWording
from storage.values.draft import Draft
from storage.values.verdict import (
    Copy,
    Counts,
    NewVersion,
    OriginKnowledge,
    Refuse,
    UnchangedVerdict,
    Verdict,
)
from storage.write.readings.exact_copies import ExactCopies, WordingHolder
from storage.write.readings.places import create_article, origin_name, place_readings
from storage.write.readings.wordings_to_index import NewWording, indexed_wordings

Decide = Callable[[Any, OriginKnowledge], Verdict]
"""Decides on the outcome of a reading: a draft or a refusal."""
UNWRITTEN = 2**63
"""Placeholder for the number of a derivation that will be the newest one."""
_NEWEST, _WORDED = SNAPSHOT.alias(), WORDING.alias()
_STANDING = (
    select(
        ARTICLE_ORIGIN.c.origin_id,
        ARTICLE.c.id,
        ARTICLE.c.origin_id.label("own"),
        ARTICLE.c.content_at,
        case(
            (_NEWEST.c.version == ARTICLE.c.versions, _WORDED.c.digest),
            else_=WORDING.c.digest,
        ),
        DERIVATION.c.extractor,
        DERIVATION.c.extractor_version,
        DERIVATION.c.config,
        DERIVATION.c.word_count,
    )
    .join(ARTICLE, ARTICLE.c.id == ARTICLE_ORIGIN.c.article_id)
    .outerjoin(VERSION, VERSION.c.id == ARTICLE.c.head_version_id)
    .outerjoin(WORDING, WORDING.c.id == VERSION.c.wording_id)
    .outerjoin(
        _NEWEST,
        (_NEWEST.c.article_id == ARTICLE.c.id)
        & (_NEWEST.c.observed_at == ARTICLE.c.content_at)
        & _NEWEST.c.wording_id.is_not(None),
    )
    .outerjoin(_WORDED, _WORDED.c.id == _NEWEST.c.wording_id)
    .outerjoin(DERIVATION, DERIVATION.c.id == _NEWEST.c.derivation_id)
)
"""The current content of an origin, and its newest wording by the latest derivation."""


class ReadingWriter:
    """Stores the readings of one job in one unit of work."""

    def __init__(
        self, unit: Unit, job_id: int, comparing: CaptureComparer, to_derive: PreparedDrafts
    ) -> None:
        self.unit = unit
        self.job_id = job_id
        self.decided: list[tuple[Reading, Verdict]] = []
        self.wordings: list[IndexedWording] = []
        self._indexed: list[NewWording] = []
        self._deriving = DerivationWriter(unit, to_derive)
        self._neighbours = Neighbours(unit)
        self._unknown: set[int] = set()
        self._articles: dict[int, KnownArticle] = {}
        self._changed: dict[int, bool] = {}
        self._copies = ExactCopies(unit)
        self._refused: list[int] = []
        self._words: dict[int, int | None] = {}
        self._lineages = Lineages(unit)
        self._comparing = comparing
        self._around = Surroundings(unit.connection, {})
        self._undone: dict[int, set[frozenset[int | None]]] = {}
        self._neighbours_of: dict[int, dict[bool, int]] = {}

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
        self._load(places, re_extracted)
        self._make_comparable(places, re_extracted)
        totals = dict.fromkeys(Counts.__slots__, 0)
        for place in places:
            verdict = decide(place.reading.outcome, self._knowledge_of(place))
            if isinstance(verdict, Refuse):
                self._refuse(place, verdict)
            else:
                self._store_text(place, verdict)
            self.decided.append((place.reading, verdict))
            totals[verdict.counted_as] += 1
            totals["noise"] += isinstance(verdict, UnchangedVerdict) and verdict.is_noise
        self._settle(places, claims.displaced)
        return Counts(**totals)

    # ------------------------------------------------------------------ stored content

    def _without_verdict(self, readings: Sequence[Reading]) -> list[Reading]:
        ids = [reading.captured.observation_id for reading in readings]
        query = select(VERDICT.c.observation_id)
        done = {
            row[0] for row in rows_in(self.unit.connection, query, VERDICT.c.observation_id, ids)
        }
        return [r for r in readings if r.captured.observation_id not in done]

    def _load(self, places: Sequence[Position], re_extracted: Sequence[ReExtracted]) -> None:
        readings = [*(p.reading for p in places), *(each.reading for each in re_extracted)]
        self._deriving.load(
            [each.digest for each in readings if each.digest],
            [each.captured.capture_id for each in readings],
        )
        self._copies.load(self._deriving.wordings.values())
        self._load_articles([p.origin_id for p in places])
        firsts = {
            article.id: place.moment
            for place in reversed(places)
            if (article := self._articles.get(place.origin_id)) is not None
        }
        self._around = Surroundings(self.unit.connection, firsts)
        self._undone = undone_wordings(self.unit.connection, firsts) if firsts else {}

    def _make_comparable(
        self, places: Sequence[Position], re_extracted: Sequence[ReExtracted]
    ) -> None:
        """Write repeated extractions; request more if a neighbour has another extractor.

        A neighbour without bytes is recorded as not comparable.
        """
        for each in re_extracted:
            self._deriving.store_re_extraction(each)
        missing: dict[int, int] = {}
        for place in places:
            article, draft = self._articles.get(place.origin_id), place.reading.outcome
            if article is None or not isinstance(draft, Draft):
                continue
            reader, digest = reader_of(draft), place.reading.digest or b""
            unread = self._neighbours.unread(article, place.moment, digest, reader)
            there, gone = self._neighbours.with_bytes(unread) if unread else ([], [])
            for _number, capture, context, _is_gone in gone:
                self._deriving.unread(capture, context, draft.extractor, BYTES_GONE)
            missing |= {row[0]: article.id for row in there}
        if missing:
            raise NotComparableError(missing)
        self._neighbours.forget()

    def _load_articles(self, origins: Sequence[int]) -> None:
        """Load the current content of origins: the newest wording by the latest derivation.

        That differs from the wording of the newest version if another extractor was used meanwhile.
        Origins without an article need only a short statement.
        """
        connection, stands = self.unit.connection, ARTICLE_ORIGIN.c.origin_id
        taken = [row[0] for row in rows_in(connection, select(stands), stands, origins)]
        for origin, number, own, content_at, digest, *reader, words in rows_in(
            connection, _STANDING, stands, taken
        ):
            head = bytes(digest) if digest is not None else None
            article = KnownArticle(number, own, True, head, content_at)
            article = self._articles.setdefault(origin, article)
            self._words[origin] = words
            if reader[0] is not None:
                article.readers.add((reader[0], reader[1], reader[2]))

    def _knowledge_of(self, place: Position) -> OriginKnowledge:
        digest = place.reading.digest
        wording = self._deriving.wordings.get(digest) if digest else None
        holder = self._copies.holders.get(wording) if wording else None
        elsewhere = holder.article if holder else None
        article, draft = self._articles.get(place.origin_id), place.reading.outcome
        if article is None or digest is None or not isinstance(draft, Draft):
            return OriginKnowledge(article is not None, True, elsewhere)
        unwritten = Snapshot(
            place.moment, 0, wording or 0, digest, UNWRITTEN, reader=reader_of(draft)
        )
        around = self._neighbours.around(article, unwritten)
        if around.unknown:
            self._unknown.add(place.reading.captured.observation_id)
        is_fetched = place.reading.captured.hints.get("fetched")
        is_noise = not around.is_one and self._is_noise(article, place, wording)
        return OriginKnowledge(
            True,
            not around.is_one and not is_noise,
            None if elsewhere == article.id else elsewhere,
            words=self._words.get(place.origin_id) if is_fetched else None,
            is_noise=is_noise,
        )

    def _is_noise(self, article: KnownArticle, place: Position, wording: int | None) -> bool:
        """Check whether a draft differs only by noise from the snapshot before or after it."""
        undone = self._undone.get(article.id, set())
        own = self._comparing.content_of(place.reading)
        beside = self._neighbours_of.setdefault(place.reading.captured.observation_id, {})
        digest = place.reading.digest or b""
        for is_before in (True, False):
            other = self._around.beside(article.id, place.moment, digest, is_before=is_before)
            if other is not None:
                beside[is_before] = other.derivation_id
            if other is None or frozenset((other.wording_id, wording)) in undone:
                continue
            number = other.derivation_id
            if self._comparing.is_noise(article.id, number, own, is_before=is_before):
                return True
        return False

    # ------------------------------------------------------------------- results

    def _store_text(self, place: Position, verdict: Verdict) -> None:
        draft, digest = place.reading.outcome, place.reading.digest
        assert isinstance(draft, Draft)
        assert digest is not None
        content = self._comparing.content_of(place.reading)
        if flags := self._flags(place, draft, verdict):
            draft = replace(draft, flags=(*draft.flags, *flags))
        is_new = digest not in self._deriving.wordings
        wording = self._deriving.wording(draft, digest, place.reading)
        derivation = self._deriving.derivation(draft, wording, place.reading)
        snapshot = Snapshot(place.moment, 0, wording, digest, derivation, reader=reader_of(draft))
        article = self._articles.get(place.origin_id)
        if article is None:
            article = create_article(self.unit, place, snapshot, content)
            self._articles[place.origin_id] = article
            self._comparing.set_origin(article.id, origin_name(place))
            self._lineages.began(place.origin_id, article.id, self._articles)
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
        self._around.add(article.id, snapshot)
        self._comparing.add_pending(derivation, wording, content, article.id, origin_name(place))
        self._snapshot(place, article.id, outcome, wording, derivation, version)
        self._verdict(place, verdict.kind, derivation)
        self._record_copy(place, article, wording, verdict)

    def _flags(self, place: Position, draft: Draft, verdict: Verdict) -> list[str]:
        """Return the flags of a draft that depend on earlier observations."""
        number = place.reading.captured.observation_id
        flags = ["not_comparable"] if number in self._unknown else []
        beside = self._neighbours_of.get(number)
        if isinstance(verdict, NewVersion) and beside:
            own = self._comparing.content_of(place.reading)
            flags += self._comparing.teaser_flags(own, beside.get(True), beside.get(False))
        return [flag for flag in flags if flag not in draft.flags]

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

    def _settle(self, places: Sequence[Position], displaced: Collection[int]) -> None:
        unit = self.unit
        unit.flush()
        fresh = {a.id for a in self._articles.values() if not a.stored}
        whole = {article: late or article in fresh for article, late in self._changed.items()}
        rebuild_all(unit, whole, self._comparing)
        compare_again(unit, self._comparing, waiting(self._comparing))
        self._copies.settle(displaced)
        self.wordings = indexed_wordings(unit, self._indexed)
        self._lineages.settle_late()
        self._lineages.settle_copies(self._copies.pairs)
        stood_at = [p for place in places for p in (place.locator_id, place.origin_id)]
        absent = find_unrecorded_absences(
            unit, [*stood_at, *self._lineages.find_redirecting(places)]
        )
        record_absences(unit, sorted({*absent, *self._refused}))
        refused = [{"observation_id": number, "refused": True} for number in self._refused]
        update_rows(unit.connection, PRESENCE, ("observation_id",), refused)
