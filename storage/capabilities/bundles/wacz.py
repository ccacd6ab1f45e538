"""A bundle as WACZ, the format that web archive players open: signed, with the complete bundle."""

import base64
import gzip
import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import IO, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection, bindparam, text
from warcio.archiveiterator import ArchiveIterator

from storage.database.columns import UtcTime
from storage.export.warc_record import uri
from storage.proof.note import Signer

VERSION = "1.1.1"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
RECORDS = "archive/data.warc.gz"
INDEXED = frozenset({"response", "resource", "revisit"})
PART = 48
"""The bytes of each of the two numbers of a signature on P-384."""
PURPOSE = b"lesart wacz key v1"
LARGEST = (1 << 383) - 1
"""Below the order of P-384."""


@dataclass(frozen=True, slots=True)
class WaczPage:
    """A version as an entry page."""

    address: str
    moment: datetime
    title: str


def pages_of(connection: Connection, article: int, numbers: Sequence[int]) -> list[WaczPage]:
    """Return the first snapshot of each of these versions of an article."""
    query = text(
        "SELECT r.origin, s.observed_at, w.title FROM version v "
        "JOIN snapshot s ON s.observation_id = v.observation_id "
        "JOIN origin r ON r.id = s.origin_id JOIN wording w ON w.id = v.wording_id "
        "WHERE v.article_id = :article AND v.number IN :numbers ORDER BY v.number"
    ).columns(observed_at=UtcTime())
    bound = query.bindparams(bindparam("numbers", expanding=True))
    rows = connection.execute(bound, {"article": article, "numbers": numbers})
    return [WaczPage(uri(row.origin), row.observed_at, row.title or "") for row in rows]


def write_wacz(
    stream: IO[bytes],
    records: Iterable[bytes],
    pages: Sequence[WaczPage],
    bundle: bytes,
    signer: Signer,
    *,
    program: str,
    moment: datetime,
) -> int:
    """Write records, pages and the unchanged bundle; return the number of bundle files.

    The signing key is derived from that of the log; a note of the log confirms it.
    """
    archive, index = _pack_records(records)
    key = _key(signer)
    statement = f"{PURPOSE.decode()}\n{_public(key)}\n"
    files = {
        RECORDS: archive,
        "indexes/index.cdx": "".join(sorted(index)).encode(),
        "pages/pages.jsonl": _page_list(pages),
        "lesart/bundle.zip": bundle,
        "lesart/wacz-key.note": f"{statement}\n{signer.sign(statement)}".encode(),
    }
    package = json.dumps(_describe_package(files, pages, program, moment), indent=1).encode()
    signed = json.dumps(_sign_package(package, key, program, moment), indent=1).encode()
    files |= {"datapackage.json": package, "datapackage-digest.json": signed}
    with zipfile.ZipFile(stream, "w") as written:
        for name, content in files.items():
            is_packed = name.endswith((".gz", ".cdx", ".zip"))
            how = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
            written.writestr(zipfile.ZipInfo(name, LONG_AGO), content, how)
    return len(files)


def _pack_records(records: Iterable[bytes]) -> tuple[bytes, list[str]]:
    """Return individually compressed records, and the index lines by which a player finds them."""
    whole, lines = BytesIO(), []
    for each in records:
        begin = whole.tell()
        whole.write(gzip.compress(each, mtime=0))
        record = next(iter(ArchiveIterator(BytesIO(each))))
        if record.rec_type in INDEXED:
            lines.append(_index_line(record, begin, whole.tell() - begin))
    return whole.getvalue(), lines


def _index_line(record: Any, begin: int, size: int) -> str:
    head, http = record.rec_headers, record.http_headers
    address = head.get_header("WARC-Target-URI")
    moment = datetime.fromisoformat(head.get_header("WARC-Date")).astimezone(UTC)
    kind = (http or head).get_header("Content-Type") or "unk"
    entry = {
        "url": address,
        "mime": "warc/revisit" if record.rec_type == "revisit" else kind.partition(";")[0].strip(),
        "status": http.get_statuscode() if http else "200",
        "digest": head.get_header("WARC-Payload-Digest"),
        "length": str(size), "offset": str(begin), "filename": RECORDS.partition("/")[2],
    }  # fmt: skip
    filled = {name: value for name, value in entry.items() if value}
    return f"{index_key(address)} {moment:%Y%m%d%H%M%S} {json.dumps(filled)}\n"


def index_key(address: str) -> str:
    """Return the key of an address in indexes of web archives.

    >>> index_key("https://www.Zeitung.example/A/?b=2&a=1")
    'example,zeitung)/a?a=1&b=2'
    """
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return address.lower().replace(" ", "%20")
    host = parts.hostname.removeprefix("www.").split(".")
    port = f":{parts.port}" if parts.port not in {None, 80, 443} else ""
    path = parts.path.rstrip("/").lower() or "/"
    query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True))).lower()
    return f"{','.join(reversed(host))}{port}){path}" + (f"?{query}" if query else "")


def _page_list(pages: Sequence[WaczPage]) -> bytes:
    lines: list[dict[str, str]] = [
        {"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}
    ]
    for number, each in enumerate(pages, 1):
        moment = each.moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines.append({"id": str(number), "url": each.address, "ts": moment, "title": each.title})
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in lines).encode()


def _describe_package(
    files: Mapping[str, bytes], pages: Sequence[WaczPage], program: str, moment: datetime
) -> dict[str, Any]:
    return {
        "profile": "data-package",
        "wacz_version": VERSION,
        "title": pages[0].title if pages else "",
        "created": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "software": program,
        "resources": [
            {
                "name": name.rpartition("/")[2].lower(), "path": name,
                "hash": _digest(content), "bytes": len(content),
            }
            for name, content in files.items()
        ],
    }  # fmt: skip


def _sign_package(
    package: bytes, key: ec.EllipticCurvePrivateKey, program: str, moment: datetime
) -> dict[str, Any]:
    """Return the digest of a package description, with an anonymous signature on it."""
    digest = _digest(package)
    first, second = decode_dss_signature(key.sign(digest.encode(), ec.ECDSA(SHA256())))
    signature = first.to_bytes(PART, "big") + second.to_bytes(PART, "big")
    return {
        "path": "datapackage.json",
        "hash": digest,
        "signedData": {
            "hash": digest,
            "created": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "software": program,
            "signature": base64.b64encode(signature).decode(),
            "publicKey": _public(key),
        },
    }


def _key(signer: Signer) -> ec.EllipticCurvePrivateKey:
    secret = int.from_bytes(signer.drawn(PURPOSE), "big") % LARGEST + 1
    return ec.derive_private_key(secret, ec.SECP384R1())


def _public(key: ec.EllipticCurvePrivateKey) -> str:
    entry = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(entry).decode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
