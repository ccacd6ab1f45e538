"""A zip that proves the texts of an article and can be verified without this program."""

import base64
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import IO, Any, Literal

from sqlalchemy import Connection, text

from storage.capabilities.bundles import bundle_report, check_bundle
from storage.capabilities.bundles.bundle_log import Wrong, write_json
from storage.capabilities.bundles.wacz import pages_of, write_wacz
from storage.database.capture_store import StoredBytes, load
from storage.database.columns import UtcTime
from storage.database.table_facts import RECORD_TABLES
from storage.export.warc import WarcWriter
from storage.proof import log, rows
from storage.proof.checkpoints import SignedCheckpoint
from storage.proof.external.authorities import StoredStamp, authority_stamps, calendar_stamps
from storage.proof.leaf import SHAPES, OpenedRow, open_row
from storage.proof.note import Signer, tlog_proof
from storage.proof.stamp import Authority
from storage.proof.tiles import TileError
from storage.proof.tree import Node, consistency, inclusion
from storage.read.find import VersionRef
from storage.record.contents.restricted import RestrictedTexts
from storage.values.dates import iso_utc
from storage.values.errors import NoSuchError, WithheldError

PROGRAMS = {name: Path(__file__).with_name(name if name != "verify.py" else "check_bundle.py")
            for name in check_bundle.PROGRAMS}  # fmt: skip
"""The verification programs in each bundle, and their source files."""
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip, so that equal content produces equal bytes."""
MOST_RELATIONS = 200
IN_BUNDLE = {table.name: table for table in RECORD_TABLES if table.in_bundle}
"""The tables whose rows a bundle can contain."""
OF_CHECKS = [
    each for each in IN_BUNDLE.values() if each.references.get("observation_id") == "observation"
]
"""The tables of them with what a check found; of pictures, a bundle has those that show a text."""
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BundleRequest:
    """What to prove: versions, optionally a passage, and the language of the report.

    The certificates of `authorities` are added to the bundle with their stamps.
    """

    versions: Sequence[VersionRef]
    passage: str | None
    language: Literal["de", "en"]
    program: str
    at: datetime
    authorities: Sequence[Authority] = ()


class NotLoggedError(NoSuchError):
    """A row that a bundle needs is not in the log."""


class Bundle:
    """Collects the files of one bundle and writes them."""

    def __init__(
        self, connection: Connection, request: BundleRequest, checkpoint: SignedCheckpoint
    ) -> None:
        self.connection, self.request, self.checkpoint = connection, request, checkpoint
        self.files: dict[str, bytes] = {}
        self._node: Node = log.node_of(connection)
        self._restricted = RestrictedTexts(connection)
        self._rows: set[tuple[str, int]] = set()
        self._last_index = -1

    def write(self, stream: IO[bytes], signer: Signer) -> int:
        """Write the zip and return the number of its files.

        Raises: NotLoggedError.
        """
        manifest = self._collect(signer)
        readers = {name: partial(bytes, content) for name, content in self.files.items()}
        try:
            facts = check_bundle.LoggedBundle(readers, manifest, []).facts()
        except Wrong as wrong:
            article = self.request.versions[0].article.article
            raise NotLoggedError("proof of", article, f"{wrong}; see `lesart verify`") from wrong
        for each in (one for place in facts["places"] for one in place["texts"]):
            self.files[f"texts/{each['number']}.txt"] = each["text"].encode()
        self.files["report.html"] = bundle_report.page(facts, manifest["language"]).encode()
        manifest["files"] = {
            name: sha256(content).hexdigest() for name, content in sorted(self.files.items())
        }
        written = write_json(manifest)
        statement = f"{check_bundle.FORMAT}\n{sha256(written).hexdigest()}\n"
        more = {
            "manifest.json": written,
            "manifest.note": f"{statement}\n{signer.sign(statement)}".encode(),
            **{name: path.read_bytes() for name, path in PROGRAMS.items()},
        }
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in {**more, **self.files}.items():
                packed.writestr(zipfile.ZipInfo(name, LONG_AGO), content, zipfile.ZIP_DEFLATED)
        return len(more) + len(self.files)

    def write_wacz(self, stream: IO[bytes], signer: Signer) -> int:
        """Write the bundle as a web archive with its captures, and return the number of its files.

        Raises: NotLoggedError.
        """
        packed = BytesIO()
        self.write(packed, signer)
        request, article = self.request, self.request.versions[0].article
        seen = {number for table, number in self._rows if table == "observation"}
        numbers = [each.number for each in self._versions()]
        records = WarcWriter(self.connection).article(article.row_id, seen)
        return write_wacz(
            stream,
            records,
            pages_of(self.connection, self._article, numbers),
            packed.getvalue(),
            signer,
            program=request.program,
            moment=request.at,
        )

    def _collect(self, signer: Signer) -> Json:
        """Collect rows, bytes and proofs; return a manifest without claims about them.

        All statements of a bundle are derived from its rows: see `check_bundle`.
        """
        self.files["log/checkpoint"] = self.checkpoint.with_cosignatures.encode()
        for row in self._observations():
            self._observation(row)
        for number, undone in self._relations():
            self._add("relation", number)
            if undone is not None:
                self._add("relation_undone", undone)
        query = text("SELECT vkey FROM log_cosignature WHERE checkpoint_id = :id ORDER BY id")
        stamps = chain(
            (self._stamp(number, each, "tsr") for number, each in enumerate(self._stamps(), 1)),
            (self._stamp(number, each, "note.ots") for number, each in self._calendars()),
        )
        return {
            "format": check_bundle.FORMAT,
            "key": signer.verifier.vkey,
            "witnesses": list(self.connection.execute(query, {"id": self.checkpoint.id}).scalars()),
            "language": self.request.language,
            "passage": self.request.passage,
            "stamps": list(stamps),
        }

    # ----------------------------------------------------------------------------- stamps

    def _stamps(self) -> Iterable[StoredStamp]:
        """Return the first stamp of each authority that covers all rows, otherwise its last one."""
        chosen: dict[str, StoredStamp] = {}
        for each in authority_stamps(self.connection):
            best = chosen.get(each.authority)
            is_better = best is None or best.signed.size <= self._last_index
            if is_better and 0 < each.signed.size <= self.checkpoint.size:
                chosen[each.authority] = each
        return chosen.values()

    def _calendars(self) -> Iterator[tuple[int, StoredStamp]]:
        """Yield the last stamp of each calendar on this history."""
        found = {each.authority: each for each in calendar_stamps(self.connection)
                 if each.signed.size <= self.checkpoint.size}  # fmt: skip
        return enumerate(found.values(), 1)

    def _stamp(self, number: int, stamp: StoredStamp, ending: str) -> Json:
        """Add a stamp with its checkpoint, and the path from that to the newest."""
        name = f"log/{'stamp' if ending == 'tsr' else 'calendar'}-{number}"
        self.files[f"{name}.{ending}"] = stamp.stamp
        self.files[f"{name}.note"] = stamp.signed.note.encode()
        for each in self.request.authorities:
            if each.name == stamp.authority and ending == "tsr":
                self.files[f"{name}.pem"] = each.roots
        path = consistency(self._node, stamp.signed.size, self.checkpoint.size)
        return {"name": name, "path": [each.hex() for each in path]}

    # --------------------------------------------------------------------------- versions

    def _versions(self) -> list[Any]:
        numbers = [each.number for each in self.request.versions]
        query = text(
            "SELECT number, changed_after, changed_by FROM version WHERE article_id = :article "
            "AND number BETWEEN :first AND :last ORDER BY number"
        ).columns(changed_after=UtcTime(), changed_by=UtcTime())
        values = {"article": self._article, "first": min(numbers), "last": max(numbers)}
        return list(self.connection.execute(query, values))

    @property
    def _article(self) -> int:
        return self.request.versions[0].article.row_id

    # ----------------------------------------------------------------------- observations

    def _observations(self) -> Iterator[Any]:
        """Yield the checks from the last text before the versions to the first one after them.

        Failed checks are included. A text that a later scan confirmed was checked earlier.
        """
        versions = self._versions()
        query = text(
            "SELECT min(changed_by) AS after FROM version "
            "WHERE article_id = :article AND number > :last"
        ).columns(after=UtcTime())
        asked: Json = {"article": self._article, "last": versions[-1].number}
        after = self.connection.execute(query, asked).scalar()
        first = versions[0].changed_after or versions[0].changed_by
        values: Json = {"article": self._article, "first": _time_parameter(self.connection, first)}
        upper_bound = ""
        if after is not None:
            upper_bound, values["after"] = (
                "AND s.observed_at <= :after",
                _time_parameter(self.connection, after),
            )
        checks = text(
            "SELECT o.id, o.source_id, o.capture_id, o.locator_id, o.scan_id, s.derivation_id, "
            "s.is_foreign FROM snapshot s JOIN observation o ON o.id = s.observation_id "
            "WHERE s.article_id = :article AND s.observed_at >= coalesce("
            "(SELECT max(b.observed_at) FROM snapshot b WHERE b.article_id = :article "
            "AND b.wording_id IS NOT NULL AND b.observed_at <= :first), :first) "
            f"{upper_bound} ORDER BY o.observed_at, o.id"
        )
        yield from self.connection.execute(checks, values).all()

    def _observation(self, row: Any) -> None:
        self._add("observation", row.id)
        if row.scan_id is not None:
            self._add("scan", row.scan_id)
        if row.derivation_id is not None:
            self._add("derivation", row.derivation_id)
            if not row.is_foreign:
                self._add_last_scan(row)

    def _add_last_scan(self, row: Any) -> None:
        """Add the last complete scan that found a file unchanged since this observation."""
        query = text(
            "SELECT min(coalesce(scan_id, id)) FROM observation WHERE locator_id = :locator_id "
            "AND source_id = :source_id AND id > :id"
        )
        named = {"locator_id": row.locator_id, "source_id": row.source_id, "id": row.id}
        end = self.connection.execute(query, named).scalar()
        upper_bound = "" if end is None else "AND id < :end"
        query = text(
            "SELECT max(id) FROM scan WHERE source_id = :source_id AND complete "
            f"AND id > :edge {upper_bound}"
        )
        asked = {"source_id": row.source_id, "edge": row.scan_id or row.id}
        asked |= {} if end is None else {"end": end}
        scan = self.connection.execute(query, asked).scalar()
        if scan is not None:
            self._add("scan", scan)

    # --------------------------------------------------------------------------- relations

    def _relations(self) -> Sequence[Any]:
        """Return the first relations of the article and their undoings."""
        query = text(
            "SELECT l.id, u.id AS undone FROM relation l "
            "LEFT JOIN relation_undone u ON u.relation_id = l.id "
            "WHERE EXISTS (SELECT 1 FROM article_origin o WHERE o.article_id = :article "
            "AND o.origin_id IN (l.a_origin_id, l.b_origin_id)) ORDER BY l.id LIMIT :most"
        )
        asked = {"article": self._article, "most": MOST_RELATIONS}
        return self.connection.execute(query, asked).all()

    # -------------------------------------------------------------------------------- rows

    def _add_all(self, table: str, condition: str, value: int) -> None:
        query = text(f"SELECT id FROM {table} WHERE {condition} ORDER BY id")
        for number in self.connection.execute(query, {"value": value}).scalars().all():
            self._add(table, number)

    def _add(self, table: str, number: int) -> None:
        """Add a row with its proof, and the rows that it refers to."""
        if (table, number) in self._rows:
            return
        self._rows.add((table, number))
        seq = number
        if SHAPES[table].key != "id":
            query = text(f"SELECT {SHAPES[table].key} FROM {table} WHERE id = :id")
            seq = self.connection.execute(query, {"id": number}).scalar_one()
        values = rows.row(self.connection, table, seq)
        place = log.place_of(self.connection, table, seq)
        if values is None or place is None or place.index >= self.checkpoint.size:
            raise NotLoggedError(table, str(number), "it is not in the log: see `lesart verify`")
        self._last_index = max(self._last_index, place.index)
        try:
            path = inclusion(self._node, place.index, self.checkpoint.size)
        except TileError as error:
            raise NotLoggedError(table, str(number), f"the log is damaged: {error}") from error
        stem = f"{place.index:08}-{table}-{seq}"
        proof = tlog_proof(place.index, path, self.checkpoint.with_cosignatures)
        self.files[f"rows/{stem}.json"] = _row(open_row(table, values, place.opening), seq)
        self.files[f"proofs/{stem}"] = place.entry
        self.files[f"proofs/{stem}.tlog-proof"] = proof.encode()
        self._follow(table, number, values)

    def _follow(self, table: str, number: int, values: Mapping[str, Any]) -> None:
        if table == "capture":
            self._add_bytes(number)
        if table == "derivation":
            self._refuse_restricted_fields(values)
        if table in {"observation", "scan"}:
            self._add_all("clock_correction", "id > :value", number)
        if table == "observation":
            for each in OF_CHECKS:
                self._add_all(
                    each.name, f"observation_id = :value AND {each.shows_text or 'true'}", number
                )
            confirmed = json.loads(values["hints"] or b"{}").get("confirms")
            if confirmed is not None:
                self._add("observation", confirmed)
        for column, target in IN_BUNDLE[table].references.items():
            if target in IN_BUNDLE and values.get(column) is not None:
                self._add(target, values[column])
        redacted = f"table_name IN ('{table}', '{table}_address') AND row_id = :value"
        self._add_all("redaction", redacted, number)

    def _refuse_restricted_fields(self, values: Mapping[str, Any]) -> None:
        """Raise WithheldError if the fields have a text of a restricted article."""
        if not self._restricted or values.get("detail") is None:
            return
        query = text("SELECT title, text FROM wording WHERE id = :id")
        row = self.connection.execute(query, {"id": values["wording_id"]}).first()
        own = "" if row is None else f"{row.title or ''}\n\n{row.text or ''}"
        fields = json.loads(values["detail"]).get("fields")
        if self._restricted.are_in_field(fields, own):
            raise WithheldError(self.request.versions[0].rev)

    def _add_bytes(self, number: int) -> None:
        query = text("SELECT digest, encoding, data FROM capture WHERE id = :id")
        row = self.connection.execute(query, {"id": number}).one()
        if row.data is not None:
            name = f"captures/{bytes(row.digest).hex()}"
            held = StoredBytes(bytes(row.digest), row.encoding, bytes(row.data))
            raw = load(self.connection, held)
            if self._restricted.are_in_capture(number, raw):
                raise WithheldError(self.request.versions[0].rev)
            self.files[name] = raw


def _row(revealed: OpenedRow, seq: int) -> bytes:
    contents: dict[str, Json] = {}
    for name, content in revealed.contents.items():
        if isinstance(content, bytes):
            contents[name] = {"hash": content.hex()}
            continue
        salt, value = content
        written = None if value is None else base64.b64encode(value).decode()
        contents[name] = {"salt": salt.hex(), "value": written}
    row = {
        "table": revealed.table, "seq": seq, "plain": revealed.plain.decode(),
        "blind": revealed.blind.hex(), "contents": contents,
    }  # fmt: skip
    return write_json(row)


def _time_parameter(connection: Connection, moment: datetime) -> Any:
    return iso_utc(moment) if connection.dialect.name == "sqlite" else moment
