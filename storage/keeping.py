"""Keep what was read: wordings, derivations, verdicts, and the articles that they change."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import zstandard
from sqlalchemy import func, select

from storage.dates import span
from storage.digest import origin_id
from storage.record import TEXT_ROLES, Draft, PartialDate, Refused, as_dict
from storage.tables import (
    FIELD_BLOCK,
    SIGHT_BLOCK,
    ArticleOriginRow,
    ArticleRow,
    DerivationRow,
    FingerprintRow,
    ObservationRow,
    OriginRow,
    PresenceRow,
    RefusalRow,
    RelationRow,
    SearchDueRow,
    SightRow,
    VerdictRow,
    VersionRow,
    WordingRow,
)
from storage.verdict import (
    COUNT_OF,
    KIND,
    Copy,
    Counts,
    Known,
    NewVersion,
    Reading,
    Refuse,
    Unchanged,
    Verdict,
)
from storage.versioning import rebuild
from storage.writing import Unit, rows_in, table_of, update_rows

ARTICLE, ARTICLE_ORIGIN = table_of(ArticleRow), table_of(ArticleOriginRow)
DERIVATION, WORDING = table_of(DerivationRow), table_of(WordingRow)
OBSERVATION, ORIGIN = table_of(ObservationRow), table_of(OriginRow)
SIGHT = table_of(SightRow)
PRESENCE, RELATION = table_of(PresenceRow), table_of(RelationRow)
VERDICT, VERSION = table_of(VerdictRow), table_of(VersionRow)

Decide = Callable[[Draft | Refused, bytes | None, Known], Verdict]
PUBLIC_COPY_METHOD = "w1"


@dataclass(slots=True)
class _Place:
    """Where and when a reading stands: its effective origin and time."""

    reading: Reading
    locator_id: int
    address_id: int | None
    origin_id: int
    moment: datetime
    foreign: bool


@dataclass(slots=True)
class _Article:
    """An article as this unit knows it while it decides."""

    id: int
    origin_id: int
    stored: bool
    head: bytes | None
    content_at: datetime | None
    sights: list[tuple[datetime, bytes]]


class Keeping:
    """Keeps the readings of one job in one unit of work."""

    def __init__(self, unit: Unit, job_id: int) -> None:
        self.unit = unit
        self.job_id = job_id
        self.to_index: list[tuple[int, Sequence[str]]] = []
        self._wordings: dict[bytes, int] = {}
        self._texts: dict[int, tuple[str, ...]] = {}
        self._derivations: dict[tuple[Any, ...], int] = {}
        self._articles: dict[int, _Article] = {}
        self._holders: dict[int, tuple[int, int, datetime]] = {}
        self._changed: dict[int, bool] = {}
        self._displaced: set[int] = set()
        self._related: set[tuple[int, int]] = set()
        self._refused: list[int] = []

    def keep(self, readings: Sequence[Reading], decide: Decide) -> Counts:
        """Decide on each reading in order of the time seen, and write what follows."""
        readings = self._without_verdict(readings)
        places = self._places(readings)
        places.sort(key=lambda p: (p.moment, p.reading.captured.observation_id))
        self._load(places)
        totals = dict.fromkeys(Counts.__slots__, 0)
        for place in places:
            verdict = decide(place.reading.outcome, place.reading.digest, self._known(place))
            self._apply(place, verdict)
            totals[COUNT_OF[KIND[type(verdict)]]] += 1
        self._settle(places)
        return Counts(**totals)

    # ------------------------------------------------------------------ what is known

    def _without_verdict(self, readings: Sequence[Reading]) -> list[Reading]:
        ids = [reading.captured.observation_id for reading in readings]
        query = select(VERDICT.c.observation_id)
        done = {
            row[0] for row in rows_in(self.unit.connection, query, VERDICT.c.observation_id, ids)
        }
        return [r for r in readings if r.captured.observation_id not in done]

    def _places(self, readings: Sequence[Reading]) -> list[_Place]:
        named = {id(reading): _named(reading) for reading in readings}
        known = ensure_origins(self.unit, [n.address for n in named.values() if n.address])
        places = []
        for reading in readings:
            name = named[id(reading)]
            address = known[name.address] if name.address else None
            locator = reading.captured.locator_id
            places.append(
                _Place(
                    reading=reading,
                    locator_id=locator,
                    address_id=address,
                    origin_id=locator if address is None else address,
                    moment=name.moment,
                    foreign=name.foreign,
                )
            )
        claims = _Claims(self.unit, self._changed)
        claims.settle(places)
        self._displaced = claims.displaced
        return places

    def _load(self, places: Sequence[_Place]) -> None:
        digests = [p.reading.digest for p in places if p.reading.digest]
        connection = self.unit.connection
        query = select(WORDING.c.digest, WORDING.c.id, WORDING.c.text)
        for digest, number, body in rows_in(connection, query, WORDING.c.digest, digests):
            self._wordings[bytes(digest)] = number
            self._texts[number] = tuple((body or "").split("\n\n"))
        self._load_holders()
        columns = (
            DERIVATION.c.capture_id, DERIVATION.c.context, DERIVATION.c.extractor,
            DERIVATION.c.extractor_version, DERIVATION.c.config, DERIVATION.c.id,
        )  # fmt: skip
        captures = [p.reading.captured.capture_id for p in places]
        for row in rows_in(connection, select(*columns), DERIVATION.c.capture_id, captures):
            self._derivations[tuple(row[:5])] = row[5]
        self._load_articles([p.origin_id for p in places])

    def _load_holders(self) -> None:
        query = (
            select(VERSION.c.wording_id, VERSION.c.changed_by, ARTICLE.c.id, ARTICLE.c.origin_id)
            .join(ARTICLE, ARTICLE.c.id == VERSION.c.article_id)
            .order_by(ARTICLE.c.id.desc(), VERSION.c.number.desc())
        )
        for wording, moment, article, origin in rows_in(
            self.unit.connection, query, VERSION.c.wording_id, self._wordings.values()
        ):
            self._holders[wording] = (article, origin, moment)

    def _load_articles(self, origins: Sequence[int]) -> None:
        query = (
            select(
                ARTICLE_ORIGIN.c.origin_id,
                ARTICLE.c.id,
                ARTICLE.c.origin_id.label("own"),
                ARTICLE.c.content_at,
                WORDING.c.digest,
            )
            .join(ARTICLE, ARTICLE.c.id == ARTICLE_ORIGIN.c.article_id)
            .outerjoin(VERSION, VERSION.c.id == ARTICLE.c.head_version_id)
            .outerjoin(WORDING, WORDING.c.id == VERSION.c.wording_id)
        )
        for origin, number, own, content_at, digest in rows_in(
            self.unit.connection, query, ARTICLE_ORIGIN.c.origin_id, origins
        ):
            head = bytes(digest) if digest is not None else None
            self._articles[origin] = _Article(number, own, True, head, content_at, [])

    def _known(self, place: _Place) -> Known:
        digest = place.reading.digest
        wording = self._wordings.get(digest) if digest else None
        holder = self._holders.get(wording) if wording else None
        elsewhere = holder[0] if holder else None
        article = self._articles.get(place.origin_id)
        if article is None:
            return Known(False, None, None, elsewhere)
        before, after = self._neighbours(article, place)
        return Known(True, before, after, None if elsewhere == article.id else elsewhere)

    def _neighbours(self, article: _Article, place: _Place) -> tuple[bytes | None, bytes | None]:
        if article.content_at is None or place.moment > article.content_at:
            return article.head, None
        sights = list(article.sights)
        if article.stored:
            query = (
                select(SIGHT.c.observed_at, WORDING.c.digest)
                .join(WORDING, WORDING.c.id == SIGHT.c.wording_id)
                .where(SIGHT.c.article_id == article.id)
            )
            sights += [(at, bytes(d)) for at, d in self.unit.connection.execute(query)]
        sights.sort()
        key = (place.moment, place.reading.digest or b"")
        before = [digest for at, digest in sights if (at, digest) <= key]
        after = [digest for at, digest in sights if (at, digest) > key]
        return (before[-1] if before else None), (after[0] if after else None)

    # ------------------------------------------------------------------- what follows

    def _apply(self, place: _Place, verdict: Verdict) -> None:
        match verdict:
            case Refuse(refused):
                self._refuse(place, refused)
            case _:
                self._take(place, verdict)

    def _take(self, place: _Place, verdict: Verdict) -> None:
        draft, digest = place.reading.outcome, place.reading.digest
        assert isinstance(draft, Draft)
        assert digest is not None
        wording = self._wording(draft, digest, place.reading)
        derivation = self._derivation(place, draft, wording)
        article = self._articles.get(place.origin_id)
        if article is None:
            article = self._new_article(place, wording, derivation)
            version, outcome = 1, "content"
        else:
            self._append(article, place, digest)
            version, outcome = None, "unchanged" if isinstance(verdict, Unchanged) else "content"
        self._sight(place, article.id, outcome, wording, derivation, version)
        self._verdict(place, KIND[type(verdict)], derivation)
        self._tell_copy(place, article, wording, verdict)

    def _wording(self, draft: Draft, digest: bytes, reading: Reading) -> int:
        known = self._wordings.get(digest)
        if known is not None:
            return known
        unit = self.unit
        number = self._wordings[digest] = unit.number()
        paragraphs = draft.text_paragraphs()
        self._texts[number] = paragraphs
        unit.add(
            WordingRow,
            {
                "id": number, "digest": digest, "title": draft.title,
                "text": "\n\n".join(paragraphs), "recorded_at": unit.now,
            },
        )  # fmt: skip
        if reading.signature is not None:
            unit.add(
                FingerprintRow,
                {
                    "wording_id": number, "algorithm": reading.signature.algorithm,
                    "seed": reading.signature.seed, "signature": reading.signature.values,
                },
            )  # fmt: skip
        self.to_index.append((number, reading.tokens or ()))
        if unit.connection.dialect.name == "postgresql":
            unit.add(SearchDueRow, {"wording_id": number, "language": _value(draft, "language")})
        return number

    def _derivation(self, place: _Place, draft: Draft, wording: int) -> int:
        captured = place.reading.captured
        who = draft.extractor
        key = (captured.capture_id, place.reading.context, who.name, who.version, who.config)
        known = self._derivations.get(key)
        if known is not None:
            return known
        number = self._derivations[key] = self.unit.number()
        self.unit.add(
            DerivationRow,
            {
                "id": number, "capture_id": captured.capture_id,
                "context": place.reading.context, "extractor": who.name,
                "extractor_version": who.version, "config": who.config, "wording_id": wording,
                **_published(draft), "language": _value(draft, "language"),
                "publisher": _value(draft, "publisher"),
                "word_count": _value(draft, "word_count"),
                "detail": _detail(draft, self._texts[wording]),
                "raw_output": zstandard.compress(draft.raw_output.encode("utf-8", "replace"), 3)
                if draft.raw_output is not None else None,
                "recorded_at": self.unit.now,
            },
        )  # fmt: skip
        return number

    def _new_article(self, place: _Place, wording: int, derivation: int) -> _Article:
        unit, captured = self.unit, place.reading.captured
        article, top = unit.number(2), unit.number(FIELD_BLOCK)
        version = article - 1
        unit.add(ArticleOriginRow, {"origin_id": place.origin_id, "article_id": article})
        unit.add(
            ArticleRow,
            {
                "id": article, "seq": article, "public_id": self._public_id(place),
                "origin_id": place.origin_id, "source_id": captured.source_id,
                "state": "present", "versions": 1, "head_version_id": version,
                "first_seen": place.moment, "last_seen": place.moment,
                "content_at": place.moment, "latest_at": place.moment,
            },
        )  # fmt: skip
        unit.add(
            VersionRow,
            {
                "id": version, "seq": top, "article_id": article, "number": 1,
                "wording_id": wording, "derivation_id": derivation,
                "observation_id": captured.observation_id, "changed_after": None,
                "changed_by": place.moment, "last_seen": place.moment, "changes": ["first"],
                "silent": None, "words_added": 0, "words_removed": 0, "removed": [], "added": [],
            },
        )  # fmt: skip
        known = _Article(article, place.origin_id, False, None, None, [])
        self._articles[place.origin_id] = known
        assert place.reading.digest is not None
        known.head, known.content_at = place.reading.digest, place.moment
        known.sights.append((place.moment, place.reading.digest))
        return known

    def _public_id(self, place: _Place) -> str:
        if place.address_id is not None and place.origin_id == place.address_id:
            address = _named(place.reading).address
            assert address is not None
            return origin_id(address)
        return origin_id(place.reading.captured.locator)

    def _append(self, article: _Article, place: _Place, digest: bytes) -> None:
        late = article.content_at is not None and place.moment <= article.content_at
        self._changed[article.id] = self._changed.get(article.id, False) or late
        article.sights.append((place.moment, digest))
        if not late:
            article.head, article.content_at = digest, place.moment

    def _sight(
        self,
        place: _Place,
        article: int,
        outcome: str,
        wording: int | None,
        derivation: int | None,
        version: int | None,
    ) -> None:
        captured = place.reading.captured
        self.unit.add(
            SightRow,
            {
                "observation_id": captured.observation_id, "seq": self.unit.number(SIGHT_BLOCK),
                "article_id": article, "origin_id": place.origin_id,
                "locator_id": place.locator_id, "address_id": place.address_id,
                "source_id": captured.source_id, "observed_at": place.moment,
                "is_foreign": place.foreign, "outcome": outcome, "wording_id": wording,
                "derivation_id": derivation, "version": version,
            },
        )  # fmt: skip

    def _verdict(self, place: _Place, kind: str, derivation: int | None) -> None:
        self.unit.add(
            VerdictRow,
            {
                "id": self.unit.number(), "observation_id": place.reading.captured.observation_id,
                "job_id": self.job_id, "kind": kind, "derivation_id": derivation,
                "recorded_at": self.unit.now,
            },
        )  # fmt: skip

    def _refuse(self, place: _Place, refused: Refused) -> None:
        captured = place.reading.captured
        self._verdict(place, "refused", None)
        self._refused.append(captured.observation_id)
        self.unit.add(
            RefusalRow,
            {
                "id": self.unit.number(), "job_id": self.job_id, "source_id": captured.source_id,
                "observation_id": captured.observation_id, "locator": captured.locator,
                "code": refused.code, "message": refused.message, "hint": refused.hint,
                "kept": True, "capture_id": captured.capture_id, "at": self.unit.now,
            },
        )  # fmt: skip

    def _tell_copy(self, place: _Place, article: _Article, wording: int, verdict: Verdict) -> None:
        holder = self._holders.get(wording)
        if holder is None:
            self._holders[wording] = (article.id, place.origin_id, place.moment)
            return
        if isinstance(verdict, (Copy, NewVersion)) and holder[0] != article.id:
            pair = (article.origin_id, holder[1])
            if pair not in self._related:
                self._related.add(pair)
                self._relate(pair, place.moment, holder[2])

    def _relate(self, pair: tuple[int, int], moment: datetime, held_since: datetime) -> None:
        a, b = pair
        query = select(RELATION.c.id).where(
            RELATION.c.kind == "exact_copy",
            ((RELATION.c.a_origin_id == a) & (RELATION.c.b_origin_id == b))
            | ((RELATION.c.a_origin_id == b) & (RELATION.c.b_origin_id == a)),
        )
        if self.unit.connection.execute(query).first() is not None:
            return
        earlier = "unknown" if moment == held_since else "a" if moment < held_since else "b"
        self.unit.add(
            RelationRow,
            {
                "id": self.unit.number(), "kind": "exact_copy", "a_origin_id": a,
                "b_origin_id": b, "score": 1.0, "method": PUBLIC_COPY_METHOD, "threshold": 1.0,
                "earlier": earlier, "agency": None, "evidence": {},
                "decided_at": self.unit.now,
            },
        )  # fmt: skip

    # ------------------------------------------------------------------------ the end

    def _settle(self, places: Sequence[_Place]) -> None:
        unit = self.unit
        unit.flush()
        fresh = {a.id for a in self._articles.values() if not a.stored}
        for article_id, late in self._changed.items():
            rebuild(unit, article_id, whole=late or article_id in fresh)
        for article_id in sorted(self._displaced):
            self._relate_displaced(article_id)
        untold = _untold(unit, [place.locator_id for place in places])
        tell_absences(unit, sorted({*untold, *self._refused}))
        refused = [{"observation_id": number, "refused": True} for number in self._refused]
        update_rows(unit.connection, PresenceRow, ("observation_id",), refused)

    def _relate_displaced(self, article_id: int) -> None:
        """Tell of an article that lost its address where else its wordings stand."""
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
        for a, b, moment, held_since in self.unit.connection.execute(query).all():
            self._relate((a, b), moment, held_since)


class _Claims:
    """Settles which file of a source has an address that several of them name."""

    def __init__(self, unit: Unit, changed: dict[int, bool]) -> None:
        self.unit = unit
        self.changed = changed
        self.displaced: set[int] = set()

    def settle(self, places: Sequence[_Place]) -> None:
        """Give the address to the file captured first (then by path); the rest keep their own."""
        own = [p for p in places if p.address_id is not None and not p.foreign]
        claims = self._stored([p.address_id for p in own if p.address_id is not None])
        for place in own:
            captured = place.reading.captured
            mine = (place.moment, captured.locator)
            held = claims.setdefault((captured.source_id, place.address_id), {})
            held[place.locator_id] = min(mine, held.get(place.locator_id, mine))
        for place in own:
            key = (place.reading.captured.source_id, place.address_id)
            claimants = claims[key]
            winner = min(claimants, key=lambda locator: claimants[locator])
            if place.locator_id != winner:
                place.origin_id = place.locator_id
            elif len(claimants) > 1:
                self._displace(key[0], place.address_id, winner)

    def _stored(self, addresses: Sequence[int]) -> dict[tuple[int, int | None], dict[int, Any]]:
        query = (
            select(
                SIGHT.c.source_id,
                SIGHT.c.address_id,
                SIGHT.c.locator_id,
                func.min(SIGHT.c.observed_at),
                func.min(ORIGIN.c.origin),
            )
            .join(ORIGIN, ORIGIN.c.id == SIGHT.c.locator_id)
            .where(SIGHT.c.is_foreign.is_(False))
            .group_by(SIGHT.c.source_id, SIGHT.c.address_id, SIGHT.c.locator_id)
        )
        found: dict[tuple[int, int | None], dict[int, Any]] = {}
        for source, address, locator, moment, text in rows_in(
            self.unit.connection, query, SIGHT.c.address_id, addresses
        ):
            found.setdefault((source, address), {})[locator] = (_moment(moment), text)
        return found

    def _displace(self, source_id: int, address_id: int | None, winner: int) -> None:
        """Move the sights of files that held the address, but came later, to their own origin."""
        connection = self.unit.connection
        query = (
            select(SIGHT.c.locator_id, SIGHT.c.article_id)
            .where(
                SIGHT.c.source_id == source_id,
                SIGHT.c.address_id == address_id,
                SIGHT.c.origin_id == address_id,
                SIGHT.c.locator_id != winner,
                SIGHT.c.is_foreign.is_(False),
            )
            .distinct()
        )
        for locator, article in connection.execute(query).all():
            self._move(source_id, locator, article)

    def _move(self, source_id: int, locator: int, article: int) -> None:
        unit = self.unit
        unit.flush()
        target = unit.connection.execute(
            select(ARTICLE_ORIGIN.c.article_id).where(ARTICLE_ORIGIN.c.origin_id == locator)
        ).scalar()
        if target is None:
            target = self._own_article(source_id, locator)
        sights = unit.connection.execute(
            select(SIGHT.c.observation_id).where(
                SIGHT.c.source_id == source_id,
                SIGHT.c.locator_id == locator,
                SIGHT.c.article_id == article,
                SIGHT.c.is_foreign.is_(False),
            )
        ).scalars()
        moved = [
            {
                "observation_id": each, "article_id": target, "origin_id": locator,
                "seq": unit.number(SIGHT_BLOCK),
            }
            for each in sights
        ]  # fmt: skip
        update_rows(unit.connection, SightRow, ("observation_id",), moved)
        self.changed[target] = self.changed[article] = True
        self.displaced.add(target)

    def _own_article(self, source_id: int, locator: int) -> int:
        unit = self.unit
        public = unit.connection.execute(
            select(ORIGIN.c.public_id).where(ORIGIN.c.id == locator)
        ).scalar_one()
        number = unit.number()
        unit.add(ArticleOriginRow, {"origin_id": locator, "article_id": number})
        unit.add(
            ArticleRow,
            {
                "id": number, "seq": number, "public_id": public, "origin_id": locator,
                "source_id": source_id, "state": "present", "versions": 0,
                "head_version_id": None, "first_seen": unit.now, "last_seen": unit.now,
                "content_at": unit.now, "latest_at": unit.now,
            },
        )  # fmt: skip
        unit.flush()
        return number


def ensure_origins(unit: Unit, texts: Sequence[str]) -> dict[str, int]:
    """Return the ids of the origins `texts`, writing those that are new."""
    names = {origin_id(each): each for each in dict.fromkeys(texts)}
    query = select(ORIGIN.c.public_id, ORIGIN.c.id)
    known: dict[str, int] = dict(rows_in(unit.connection, query, ORIGIN.c.public_id, names))
    found: dict[str, int] = {}
    for public, each in names.items():
        if public not in known:
            known[public] = unit.number()
            unit.add(
                OriginRow,
                {
                    "id": known[public], "public_id": public, "origin": each,
                    "recorded_at": unit.now,
                },
            )  # fmt: skip
        found[each] = known[public]
    return found


def tell_absences(unit: Unit, observation_ids: Sequence[int]) -> None:
    """Tell, of observations without a wording, to which article they belong.

    An absence of a place that no article is known for stays untold until one is; an imported
    capture is never gone.
    """
    if not observation_ids:
        return
    unit.flush()
    observations = {
        row.id: row
        for row in rows_in(unit.connection, select(OBSERVATION), OBSERVATION.c.id, observation_ids)
    }
    last = _last_sights(unit, [row.locator_id for row in observations.values()])
    touched: set[int] = set()
    for number, row in observations.items():
        sight = last.get(row.locator_id)
        outcome = "refused" if row.outcome == "captured" else row.outcome
        if sight is None or (outcome == "gone" and sight.is_foreign):
            continue
        touched.add(sight.article_id)
        unit.add(
            SightRow,
            {
                "observation_id": number, "seq": unit.number(SIGHT_BLOCK),
                "article_id": sight.article_id, "origin_id": sight.origin_id,
                "locator_id": row.locator_id, "address_id": sight.address_id,
                "source_id": row.source_id, "observed_at": row.observed_at,
                "is_foreign": False, "outcome": outcome, "wording_id": None,
                "derivation_id": None, "version": None,
            },
        )  # fmt: skip
    unit.flush()
    for article_id in sorted(touched):
        rebuild(unit, article_id, whole=False)


def _last_sights(unit: Unit, locators: Sequence[int]) -> dict[int, Any]:
    newest = (
        select(func.max(SIGHT.c.observation_id))
        .where(SIGHT.c.wording_id.is_not(None))
        .group_by(SIGHT.c.locator_id)
    )
    ids = [row[0] for row in rows_in(unit.connection, newest, SIGHT.c.locator_id, locators)]
    rows = rows_in(unit.connection, select(SIGHT), SIGHT.c.observation_id, ids)
    return {row.locator_id: row for row in rows}


def _untold(unit: Unit, locators: Sequence[int]) -> list[int]:
    """Return the absences of `locators` that were observed before their article was known."""
    query = (
        select(OBSERVATION.c.id)
        .outerjoin(SIGHT, SIGHT.c.observation_id == OBSERVATION.c.id)
        .where(OBSERVATION.c.outcome != "captured", SIGHT.c.observation_id.is_(None))
    )
    return [row[0] for row in rows_in(unit.connection, query, OBSERVATION.c.locator_id, locators)]


@dataclass(frozen=True, slots=True)
class _Name:
    address: str | None
    moment: datetime
    foreign: bool


def _named(reading: Reading) -> _Name:
    """Return what a reading says of its own origin and time: the command's word goes first."""
    captured, outcome = reading.captured, reading.outcome
    address, moment = captured.hints.get("origin"), captured.hints.get("observed_at")
    imported = bool(address or moment)
    if isinstance(outcome, Draft):
        address = address or outcome.address
        if not imported and outcome.address and outcome.observed_at is not None:
            return _Name(outcome.address, outcome.observed_at, True)
    at = datetime.fromisoformat(moment) if moment else captured.observed_at
    return _Name(address, at, imported)


def _moment(value: Any) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _value(draft: Draft, name: str) -> Any:
    field = draft.fields.get(name)
    return field.value if field is not None else None


def _published(draft: Draft) -> dict[str, Any]:
    value = _value(draft, "published")
    empty = dict.fromkeys(("published", "published_precision", "published_from", "published_to"))
    if not isinstance(value, Mapping):
        return empty
    date = PartialDate(value["value"], value["precision"], value["zone"], value["found_in"])
    start, end = span(date)
    return {
        "published": date.value, "published_precision": date.precision,
        "published_from": start, "published_to": end,
    }  # fmt: skip


def _detail(draft: Draft, stored: Sequence[str]) -> dict[str, Any]:
    return {
        "title": draft.title,
        "paragraphs": _layout(draft, stored),
        "fields": {name: as_dict(field) for name, field in draft.fields.items()},
        "flags": list(draft.flags),
        "steps": [as_dict(step) for step in draft.steps],
        "quotes": [as_dict(quote) for quote in draft.quotes],
        "notices": [as_dict(notice) for notice in draft.notices],
        "address": draft.address,
        "observed_at": draft.observed_at.isoformat() if draft.observed_at else None,
    }


def _layout(draft: Draft, stored: Sequence[str]) -> list[dict[str, Any]]:
    """Return the paragraphs, pointing into the stored wording where the text is the same."""
    layout: list[dict[str, Any]] = []
    index = 0
    for paragraph in draft.paragraphs:
        entry: dict[str, Any] = {"role": paragraph.role}
        if paragraph.role in TEXT_ROLES:
            if index < len(stored) and stored[index] == paragraph.text:
                entry["w"] = index
            index += 1
        if "w" not in entry:
            entry["text"] = paragraph.text
        if paragraph.marks:
            entry["marks"] = [[m.kind, m.start, m.end] for m in paragraph.marks]
        layout.append(entry)
    return layout
