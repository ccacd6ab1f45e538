"""Stored facts about the origins of a batch, as the basis of its decisions."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import case, select

from storage.database.tables import (
    ARTICLE,
    ARTICLE_ORIGIN,
    DERIVATION,
    RELATION,
    SNAPSHOT,
    VERSION,
    WORDING,
)
from storage.database.unit import Unit, rows_in
from storage.history.address_claims import Position
from storage.history.changes import CaptureComparer
from storage.history.neighbours import (
    KnownArticle,
    Neighbours,
    NotComparableError,
    Surroundings,
    reader_of,
)
from storage.history.noise.decisions import undone_wordings
from storage.history.runs import Snapshot, is_same_way
from storage.history.snapshots import snapshots_by_article
from storage.history.unconfirmed.counted import find_held_back
from storage.history.unconfirmed.doubts import DecidedDoubts, load_doubts
from storage.history.unconfirmed.rule import GRADES, doubt_grade
from storage.record.derivations import BYTES_GONE, OTHER_WAY, DerivationWriter
from storage.record.reading import ReExtracted
from storage.relations.clusters import join_origins
from storage.values.draft import Draft
from storage.values.verdict import NewVersion, OriginKnowledge, Verdict

PUBLIC_COPY_METHOD = "w1"


class WordingHolder(NamedTuple):
    """The article that had a wording first: its number, its origin, and since when it had it."""

    article: int
    origin: int
    since: datetime


class ExactCopies:
    """The holders of wordings in one unit of work, and the relations that it adds."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._related: set[frozenset[int]] = set()
        self.holders: dict[int, WordingHolder] = {}
        self.pairs: list[tuple[int, int]] = []

    def load(self, wordings: Collection[int]) -> None:
        """Load the first holder of each of these wordings."""
        query = (
            select(VERSION.c.wording_id, VERSION.c.changed_by, ARTICLE.c.id, ARTICLE.c.origin_id)
            .join(ARTICLE, ARTICLE.c.id == VERSION.c.article_id)
            .order_by(ARTICLE.c.id.desc(), VERSION.c.number.desc())
        )
        for wording, moment, article, origin in rows_in(
            self._unit.connection, query, VERSION.c.wording_id, wordings
        ):
            self.holders[wording] = WordingHolder(article, origin, moment)

    def hold(self, wording: int, holder: WordingHolder) -> WordingHolder:
        """Return the holder of a wording before the given one, otherwise the given one.

        The article with the lowest number holds it from now on, as if each text came alone.
        """
        before = self.holders.get(wording, holder)
        self.holders[wording] = min(before, holder, key=lambda each: each.article)
        return before

    def relate(self, pair: tuple[int, int], moment: datetime, held_since: datetime) -> None:
        """Record that the articles of two origins have one wording, unless this is known."""
        if frozenset(pair) in self._related:
            return
        self._related.add(frozenset(pair))
        a, b = pair
        query = select(RELATION.c.id).where(
            RELATION.c.kind == "exact_copy",
            ((RELATION.c.a_origin_id == a) & (RELATION.c.b_origin_id == b))
            | ((RELATION.c.a_origin_id == b) & (RELATION.c.b_origin_id == a)),
        )
        if self._unit.connection.execute(query).first() is not None:
            return
        earlier = "unknown" if moment == held_since else "a" if moment < held_since else "b"
        self.pairs.append(pair)
        self._unit.add(
            RELATION,
            {
                "id": self._unit.number(), "kind": "exact_copy", "a_origin_id": a,
                "b_origin_id": b, "score": 1.0, "method": PUBLIC_COPY_METHOD, "threshold": 1.0,
                "earlier": earlier, "agency": None, "evidence": {},
                "decided_at": self._unit.now,
            },
        )  # fmt: skip

    def settle(self, displaced: Collection[int]) -> None:
        """Relate the articles that lost their address, and join the origins of all pairs."""
        for article_id in sorted(displaced):
            self._relate_displaced(article_id)
        self._unit.flush()
        if self.pairs:
            join_origins(self._unit, self.pairs)

    def _relate_displaced(self, article_id: int) -> None:
        """Record the other articles with the wordings of an article that lost its address."""
        own, other, holder = VERSION.alias(), VERSION.alias(), ARTICLE.alias()
        query = (
            select(ARTICLE.c.origin_id, holder.c.origin_id, own.c.changed_by, other.c.changed_by)
            .join(own, own.c.article_id == ARTICLE.c.id)
            .join(other, other.c.wording_id == own.c.wording_id)
            .join(holder, holder.c.id == other.c.article_id)
            .where(ARTICLE.c.id == article_id, holder.c.id != article_id)
            .order_by(holder.c.id, own.c.number, other.c.number)
            .limit(1)
        )
        for a, b, moment, held_since in self._unit.connection.execute(query).all():
            self.relate((a, b), moment, held_since)


_HELD, _AGAIN = "held", "again"
"""Results of the search for a doubt about a text."""
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


class KnownContent:
    """The articles, wordings and neighbours of the texts of one unit of work."""

    def __init__(
        self,
        unit: Unit,
        deriving: DerivationWriter,
        copies: ExactCopies,
        comparing: CaptureComparer,
    ) -> None:
        self.articles: dict[int, KnownArticle] = {}
        self._unit, self._deriving = unit, deriving
        self._copies, self._comparing = copies, comparing
        self._neighbours = Neighbours(unit)
        self._words: dict[int, int | None] = {}
        self._around = Surroundings(unit.connection, {})
        self._undone: dict[int, set[frozenset[int | None]]] = {}
        self._neighbours_of: dict[int, dict[bool, int]] = {}
        self._unknown: set[int] = set()

    def load(self, places: Sequence[Position], re_extracted: Sequence[ReExtracted]) -> None:
        """Load the stored facts about the texts and their origins."""
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
            if (article := self.articles.get(place.origin_id)) is not None
        }
        self._around = Surroundings(self._unit.connection, firsts)
        self._undone = undone_wordings(self._unit.connection, firsts) if firsts else {}

    def make_comparable(
        self, places: Sequence[Position], re_extracted: Sequence[ReExtracted]
    ) -> None:
        """Write repeated extractions; request more if a neighbour has another extractor.

        A neighbour without bytes is recorded as not comparable, and so is one that was read in the
        other way: fetched, or by a browser.
        """
        for each in re_extracted:
            self._deriving.store_re_extraction(each)
        missing: dict[int, int] = {}
        for place in places:
            article, draft = self.articles.get(place.origin_id), place.reading.outcome
            if article is None or not isinstance(draft, Draft):
                continue
            reader, digest = reader_of(draft), place.reading.digest or b""
            unread = self._neighbours.unread(article, place.moment, digest, reader)
            there, gone = self._neighbours.with_bytes(unread) if unread else ([], [])
            others = {e.derivation_id for e in unread if not is_same_way(e.reader, reader)}
            for number, capture, context, is_gone in (*there, *gone):
                if number in others or is_gone:
                    code = OTHER_WAY if number in others else BYTES_GONE
                    self._deriving.unread(capture, context, draft.extractor, code)
                else:
                    missing[number] = article.id
        if missing:
            raise NotComparableError(missing)
        self._neighbours.forget()

    def _load_articles(self, origins: Sequence[int]) -> None:
        """Load the current content of origins: the newest wording by the latest derivation.

        That differs from the wording of the newest version if another extractor was used meanwhile.
        Origins without an article need only a short statement.
        """
        connection, stands = self._unit.connection, ARTICLE_ORIGIN.c.origin_id
        taken = [row[0] for row in rows_in(connection, select(stands), stands, origins)]
        for origin, number, own, content_at, digest, *reader, words in rows_in(
            connection, _STANDING, stands, taken
        ):
            head = bytes(digest) if digest is not None else None
            article = KnownArticle(number, own, True, head, content_at)
            article = self.articles.setdefault(origin, article)
            self._words[origin] = words
            if reader[0] is not None:
                article.readers.add((reader[0], reader[1], reader[2]))

    def knowledge_of(self, place: Position) -> OriginKnowledge:
        """Return the known facts about the origin of a text, as the basis of its verdict."""
        digest = place.reading.digest
        wording = self._deriving.wordings.get(digest) if digest else None
        holder = self._copies.holders.get(wording) if wording else None
        elsewhere = holder.article if holder else None
        article, draft = self.articles.get(place.origin_id), place.reading.outcome
        if digest is None or not isinstance(draft, Draft):
            return OriginKnowledge(article is not None, True, elsewhere)
        doubt = None if draft.signs is None else self._find_doubt(article, place, wording)
        if article is None or doubt is not None:
            is_known = article is not None
            return OriginKnowledge(
                is_known, True, elsewhere, is_held=doubt is not None, is_again=doubt is _AGAIN
            )
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

    def _find_doubt(
        self, article: KnownArticle | None, place: Position, wording: int | None
    ) -> str | None:
        """Return whether a draft is held back, by all readings of the article, and if as before.

        Most texts agree with the one before them, and nothing else is read for these.
        """
        own, digest = self._comparing.content_of(place.reading), place.reading.digest or b""
        if article is None:
            return _HELD if doubt_grade(None, own) is not None else None
        other = self._around.beside(article.id, place.moment, digest, is_before=True)
        before = None if other is None else self._comparing.contents([other.derivation_id])[0]
        is_same = other is not None and other.digest == digest
        grade = None if is_same else doubt_grade(before, own)
        if grade is None:
            return None
        snapshots, number = self._all_snapshots(article, place, wording)
        doubts = load_doubts(self._unit.connection, [article.id])[article.id]
        self._comparing.set_content(UNWRITTEN, own)
        deciding = DecidedDoubts(
            self._unit, self._comparing, article, doubts, (), set(), records=False
        )
        held = find_held_back(snapshots, deciding).held
        self._comparing.forget_content(UNWRITTEN)
        is_again = grade[0] == GRADES[-1] and any(
            each.digest == digest and each.observation_id in held for each in snapshots[:-1]
        )
        return None if number not in held else _AGAIN if is_again else _HELD

    def _all_snapshots(
        self, article: KnownArticle, place: Position, wording: int | None
    ) -> tuple[list[Snapshot], int]:
        """Return all readings of an article, the last one that of a place, and its observation."""
        unit, draft = self._unit, place.reading.outcome
        assert isinstance(draft, Draft)
        number = place.reading.captured.observation_id
        own = Snapshot(
            place.moment, number, wording or 0, place.reading.digest or b"", UNWRITTEN,
            reader=reader_of(draft),
        )  # fmt: skip
        unit.flush()
        stored = snapshots_by_article(
            unit.connection, {article.id: None}, own.reader, with_held=True
        )[article.id]
        known = {each.observation_id for each in stored}
        fresh = [e for e in (*article.fresh, *article.held) if e.observation_id not in known]
        return [*stored, *fresh, own], number

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

    def find_flags(self, place: Position, draft: Draft, verdict: Verdict) -> list[str]:
        """Return the flags of a draft that depend on earlier observations."""
        number = place.reading.captured.observation_id
        flags = ["not_comparable"] if number in self._unknown else []
        beside = self._neighbours_of.get(number)
        if isinstance(verdict, NewVersion) and beside:
            own = self._comparing.content_of(place.reading)
            flags += self._comparing.teaser_flags(own, beside.get(True), beside.get(False))
        return [flag for flag in flags if flag not in draft.flags]

    def add_snapshot(self, article_id: int, snapshot: Snapshot) -> None:
        """Add a snapshot that this unit of work stores."""
        self._around.add(article_id, snapshot)
