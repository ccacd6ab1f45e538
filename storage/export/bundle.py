"""One zip that proves what an article said, checked by whoever gets it without this program."""

import base64
import getpass
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, bindparam, text

from storage.database.capture_store import Held, load
from storage.database.columns import UtcTime, iso_utc
from storage.export.wacz import WaczPage, write_wacz
from storage.export.warc import WarcWriter
from storage.export.warc_record import uri
from storage.proof import checkpoints, log, rows
from storage.proof.checkpoints import Signed
from storage.proof.leaf import SHAPES, Opened, opened
from storage.proof.note import Note, Signer
from storage.proof.others.authorities import KeptStamp, kept_calendar_stamps, kept_stamps
from storage.proof.others.calendars import block_told
from storage.proof.stamp import Authority
from storage.proof.tiles import TileError
from storage.proof.tlog_proof import TlogProof
from storage.proof.tree import Node, consistency, inclusion
from storage.read.find import FoundVersion
from storage.values.digest import wording_name
from storage.values.errors import NoSuchError

FORMAT = "lesart bundle v1"
VERIFIER = Path(__file__).with_name("check_bundle.py")
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip: the same content makes the same bytes."""
MOST_RELATIONS = 200
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BundleRequest:
    """What is to be proven: versions, perhaps a passage, and how the report is written.

    The certificates of `authorities` are laid beside their stamps.
    """

    revision: str
    versions: Sequence[FoundVersion]
    passage: str | None
    report: Callable[[Mapping[str, Any], Mapping[str, bytes]], str]
    program: str
    at: datetime
    authorities: Sequence[Authority] = ()


class NotLoggedError(NoSuchError):
    """A row that a bundle needs is not in the log."""


class Bundle:
    """Collects the files of one bundle and writes them."""

    def __init__(self, connection: Connection, request: BundleRequest, signed: Signed) -> None:
        self.connection, self.request, self.signed = connection, request, signed
        self.files: dict[str, bytes] = {}
        self._node: Node = log.node_of(connection)
        self._rows: set[tuple[str, int]] = set()
        self._last_index = -1

    def write(self, stream: IO[bytes], signer: Signer) -> int:
        """Write the zip and return how many files it has.

        Raises: NotLoggedError.
        """
        manifest = self._collect(signer)
        self.files["report.html"] = self.request.report(manifest, self.files).encode()
        manifest["files"] = {
            name: sha256(content).hexdigest() for name, content in sorted(self.files.items())
        }
        written = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
        statement = f"{FORMAT}\n{sha256(written).hexdigest()}\n"
        more = {
            "manifest.json": written,
            "manifest.note": f"{statement}\n{signer.sign(statement)}".encode(),
            "verify.py": VERIFIER.read_bytes(),
        }
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in {**more, **self.files}.items():
                packed.writestr(zipfile.ZipInfo(name, LONG_AGO), content, zipfile.ZIP_DEFLATED)
        return len(more) + len(self.files)

    def write_wacz(self, stream: IO[bytes], signer: Signer) -> int:
        """Write the same, with its captures as a web archive, and return how many files it has.

        Raises: NotLoggedError.
        """
        packed = BytesIO()
        self.write(packed, signer)
        request, article = self.request, self.request.versions[0].article
        seen = {number for table, number in self._rows if table == "observation"}
        records = WarcWriter(self.connection).article(article.row_id, seen)
        return write_wacz(
            stream,
            records,
            self._pages,
            packed.getvalue(),
            signer,
            program=request.program,
            at=request.at,
        )

    @property
    def _pages(self) -> list[WaczPage]:
        """Return the first sight of each version."""
        query = text(
            "SELECT r.origin, s.observed_at, w.title FROM version v "
            "JOIN sight s ON s.observation_id = v.observation_id "
            "JOIN origin r ON r.id = s.origin_id JOIN wording w ON w.id = v.wording_id "
            "WHERE v.article_id = :article AND v.number IN :numbers ORDER BY v.number"
        ).columns(observed_at=UtcTime())
        bound = query.bindparams(bindparam("numbers", expanding=True))
        numbers = [each.number for each in self._versions()]
        rows = self.connection.execute(bound, {"article": self._article, "numbers": numbers})
        return [WaczPage(uri(row.origin), row.observed_at, row.title or "") for row in rows]

    def _collect(self, signer: Signer) -> Json:
        note = self.signed.cosigned
        self.files["log/checkpoint"] = note.encode()
        versions = [self._version(row) for row in self._versions()]
        observations = [self._observation(row) for row in self._observations(versions)]
        query = text("SELECT vkey FROM log_cosignature WHERE checkpoint_id = :id ORDER BY id")
        article = self.request.versions[0].article
        return {
            "format": FORMAT,
            "origin": Note.parse(note).text.partition("\n")[0],
            "key": signer.verifier.vkey,
            "keys": [
                {"vkey": key.verifier.vkey, "size": key.size, "endorsement": key.endorsement}
                for key in checkpoints.keys(self.connection)
            ],
            "witnesses": list(self.connection.execute(query, {"id": self.signed.id}).scalars()),
            "checkpoint": {"size": self.signed.size, "made_at": iso_utc(self.signed.made_at)},
            "exported_at": iso_utc(self.request.at),
            "exported_by": f"{_user()}, {self.request.program}",
            "revision": self.request.revision,
            "article": article.article,
            "place": observations[0]["place"],
            "passage": self.request.passage,
            "versions": versions,
            "observations": observations,
            "relations": [self._relation(row) for row in self._relations()],
            "calendars": [self._calendar(number, each) for number, each in self._calendars()],
            "stamps": [self._stamp(number, each) for number, each in enumerate(self._stamps(), 1)],
        }

    # ----------------------------------------------------------------------------- stamps

    def _stamps(self) -> Iterable[KeptStamp]:
        """Return the first stamp of each authority that covers all rows, else its last one."""
        chosen: dict[str, KeptStamp] = {}
        for each in kept_stamps(self.connection):
            known = chosen.get(each.authority)
            is_better = known is None or known.signed.size <= self._last_index
            if is_better and 0 < each.signed.size <= self.signed.size:
                chosen[each.authority] = each
        return chosen.values()

    def _calendars(self) -> Iterator[tuple[int, KeptStamp]]:
        """Yield the last stamp of each calendar that is on this history."""
        found = {each.authority: each for each in kept_calendar_stamps(self.connection)
                 if each.signed.size <= self.signed.size}  # fmt: skip
        return enumerate(found.values(), 1)

    def _calendar(self, number: int, stamp: KeptStamp) -> Json:
        """Add a stamp of a calendar with its checkpoint, which other programs check."""
        name = f"log/calendar-{number}"
        self.files[f"{name}.note.ots"] = stamp.stamp
        self.files[f"{name}.note"] = stamp.signed.note.encode()
        return {"name": name, "authority": stamp.authority, "told": block_told(stamp)}

    def _stamp(self, number: int, stamp: KeptStamp) -> Json:
        """Add a stamp with the checkpoint that it is on, and the path from that to the newest."""
        name = f"log/stamp-{number}"
        self.files[f"{name}.tsr"] = stamp.stamp
        self.files[f"{name}.note"] = stamp.signed.note.encode()
        pinned = [each for each in self.request.authorities if each.name == stamp.authority]
        for each in pinned:
            self.files[f"{name}.pem"] = each.roots
        path = consistency(self._node, stamp.signed.size, self.signed.size)
        return {
            "name": name,
            "authority": stamp.authority,
            "stamped_at": iso_utc(stamp.stamped_at),
            "path": [each.hex() for each in path],
            "has_certificate": bool(pinned),
        }

    # --------------------------------------------------------------------------- versions

    def _versions(self) -> list[Any]:
        numbers = [each.number for each in self.request.versions]
        query = text(
            "SELECT v.number, v.observation_id, v.derivation_id, v.changed_after, v.changed_by, "
            "v.last_seen, w.digest, w.title, w.text, c.digest AS raw, d.id AS verdict_id "
            "FROM version v JOIN wording w ON w.id = v.wording_id "
            "JOIN derivation x ON x.id = v.derivation_id JOIN capture c ON c.id = x.capture_id "
            "LEFT JOIN verdict d ON d.observation_id = v.observation_id "
            "WHERE v.article_id = :article AND v.number BETWEEN :first AND :last ORDER BY v.number"
        ).columns(changed_after=UtcTime(), changed_by=UtcTime(), last_seen=UtcTime())
        asked = {"article": self._article, "first": min(numbers), "last": max(numbers)}
        return list(self.connection.execute(query, asked))

    @property
    def _article(self) -> int:
        return self.request.versions[0].article.row_id

    def _version(self, row: Any) -> Json:
        written = f"{row.title or ''}\n\n{row.text}\n" if row.text is not None else "[redacted]\n"
        self.files[f"texts/{row.number}.txt"] = written.encode("utf-8", "surrogatepass")
        self._add("derivation", row.derivation_id)
        passage = self.request.passage
        return {
            "version": row.number,
            "wording": wording_name(bytes(row.digest)),
            "title": row.title,
            "changed_after": None if row.changed_after is None else iso_utc(row.changed_after),
            "changed_by": iso_utc(row.changed_by),
            "last_seen": iso_utc(row.last_seen),
            "observation": row.observation_id,
            "derivation": row.derivation_id,
            "verdict": row.verdict_id,
            "raw": bytes(row.raw).hex(),
            "has_passage": None if passage is None else _plain(passage) in _plain(written),
        }

    # ----------------------------------------------------------------------- observations

    def _observations(self, versions: Sequence[Json]) -> Iterator[Any]:
        """Yield the checks from the last look before to the first one after, failed ones too."""
        first = versions[0]["changed_after"] or versions[0]["changed_by"]
        query = text(
            "SELECT min(changed_by) AS after FROM version "
            "WHERE article_id = :article AND number > :last"
        ).columns(after=UtcTime())
        asked = {"article": self._article, "last": versions[-1]["version"]}
        after = self.connection.execute(query, asked).scalar()
        bounded = "AND s.observed_at <= :after" if after is not None else ""
        query = text(
            "SELECT o.id, o.observed_at, o.outcome, o.http_status, o.capture_id, o.locator_id, "
            "o.scan_id, s.derivation_id, s.outcome AS told, r.origin FROM sight s "
            "JOIN observation o ON o.id = s.observation_id JOIN origin r ON r.id = o.locator_id "
            f"WHERE s.article_id = :article AND s.observed_at >= :first {bounded} "
            "ORDER BY o.observed_at, o.id"
        ).columns(observed_at=UtcTime())
        values: Json = {"article": self._article, "first": _moment(self.connection, first)}
        if after is not None:
            values["after"] = _moment(self.connection, iso_utc(after))
        yield from self.connection.execute(query, values)

    def _observation(self, row: Any) -> Json:
        self._add("observation", row.id)
        self._add("origin", row.locator_id)
        for table in ("verdict", "transfer", "refusal"):
            self._add_all(table, "observation_id", row.id)
        for table, number in (("scan", row.scan_id), ("capture", row.capture_id),
                              ("derivation", row.derivation_id)):  # fmt: skip
            if number is not None:
                self._add(table, number)
        return {
            "observation": row.id,
            "observed_at": iso_utc(row.observed_at),
            "outcome": row.outcome,
            "told": row.told,
            "http_status": row.http_status,
            "place": row.origin,
        }

    # --------------------------------------------------------------------------- relations

    def _relations(self) -> list[Any]:
        """Return the first relations of the article, undone ones too."""
        query = text(
            "SELECT l.id, l.kind, l.score, l.decided_at, a.origin AS a, b.origin AS b, "
            "u.id AS undone FROM relation l JOIN origin a ON a.id = l.a_origin_id "
            "JOIN origin b ON b.id = l.b_origin_id "
            "LEFT JOIN relation_undone u ON u.relation_id = l.id "
            "WHERE EXISTS (SELECT 1 FROM article_origin o WHERE o.article_id = :article "
            "AND o.origin_id IN (l.a_origin_id, l.b_origin_id)) ORDER BY l.id LIMIT :most"
        ).columns(decided_at=UtcTime())
        asked = {"article": self._article, "most": MOST_RELATIONS}
        return list(self.connection.execute(query, asked))

    def _relation(self, row: Any) -> Json:
        self._add("relation", row.id)
        if row.undone is not None:
            self._add("relation_undone", row.undone)
        return {
            "relation": row.id, "kind": row.kind, "a": row.a, "b": row.b, "score": row.score,
            "decided_at": iso_utc(row.decided_at), "undone": row.undone,
        }  # fmt: skip

    # -------------------------------------------------------------------------------- rows

    def _add_all(self, table: str, column: str, value: int) -> None:
        query = text(f"SELECT id FROM {table} WHERE {column} = :value ORDER BY id")
        for number in self.connection.execute(query, {"value": value}).scalars().all():
            self._add(table, number)

    def _add(self, table: str, number: int) -> None:
        """Add a row with its proof, and the rows that it rests on."""
        if (table, number) in self._rows:
            return
        self._rows.add((table, number))
        seq = number
        if SHAPES[table].key != "id":
            query = text(f"SELECT {SHAPES[table].key} FROM {table} WHERE id = :id")
            seq = self.connection.execute(query, {"id": number}).scalar_one()
        values = rows.row(self.connection, table, seq)
        place = log.place_of(self.connection, table, seq)
        if values is None or place is None or place.index >= self.signed.size:
            raise NotLoggedError(table, str(number), "it is not in the log: see `lesart verify`")
        self._last_index = max(self._last_index, place.index)
        try:
            path = inclusion(self._node, place.index, self.signed.size)
        except TileError as error:
            raise NotLoggedError(table, str(number), f"the log is damaged: {error}") from error
        stem = f"{place.index:08}-{table}-{seq}"
        proof = TlogProof(place.index, tuple(path), self.signed.cosigned)
        self.files[f"rows/{stem}.json"] = _row(opened(table, values, place.opening), seq)
        self.files[f"proofs/{stem}"] = place.entry
        self.files[f"proofs/{stem}.tlog-proof"] = proof.text.encode()
        self._follow(table, number, values)

    def _follow(self, table: str, number: int, values: Mapping[str, Any]) -> None:
        if table == "capture":
            self._add_bytes(number)
        for column, target in (("capture_id", "capture"), ("wording_id", "wording"),
                               ("certificate_id", "certificate"),
                               ("a_origin_id", "origin"), ("b_origin_id", "origin"),
                               ("body_capture_id", "capture")):  # fmt: skip
            if values.get(column) is not None:
                self._add(target, values[column])
        if table in {"capture", "wording", "derivation", "transfer"}:
            query = text("SELECT id FROM redaction WHERE table_name = :table AND row_id = :id")
            asked = {"table": table, "id": number}
            for redaction in self.connection.execute(query, asked).scalars().all():
                self._add("redaction", redaction)

    def _add_bytes(self, number: int) -> None:
        query = text("SELECT digest, encoding, data FROM capture WHERE id = :id")
        row = self.connection.execute(query, {"id": number}).one()
        if row.data is not None:
            name = f"captures/{bytes(row.digest).hex()}"
            held = Held(bytes(row.digest), row.encoding, bytes(row.data))
            self.files[name] = load(held)


def _row(held: Opened, seq: int) -> bytes:
    contents: dict[str, Json] = {}
    for name, content in held.contents.items():
        if isinstance(content, bytes):
            contents[name] = {"hash": content.hex()}
            continue
        salt, value = content
        written = None if value is None else base64.b64encode(value).decode()
        contents[name] = {"salt": salt.hex(), "value": written}
    row = {
        "table": held.table, "seq": seq, "plain": held.plain.decode(),
        "blind": held.blind.hex(), "contents": contents,
    }  # fmt: skip
    return json.dumps(row, ensure_ascii=False, indent=1).encode()


def _plain(given: str) -> str:
    return " ".join(given.split())


def _moment(connection: Connection, moment: str) -> Any:
    return moment if connection.dialect.name == "sqlite" else datetime.fromisoformat(moment)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in a container
        return "an account without a name"
