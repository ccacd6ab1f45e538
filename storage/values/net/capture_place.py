"""The storage for captured bytes outside the database."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

CAPTURES = "lesart_captures"
"""Execution option of the engine of an archive and of its connections: a CapturePlace, or None."""


@dataclass(frozen=True, slots=True)
class CapturePlace:
    """A storage for captures: a folder, or a bucket with its keys if the settings contain them."""

    folder: Path | None = None
    bucket: str = ""
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    key: str | None = None
    secret: str | None = None

    def __str__(self) -> str:
        if self.folder is not None:
            return str(self.folder)
        at = f" of {self.endpoint}" if self.endpoint else ""
        return f"s3://{'/'.join(filter(None, (self.bucket, self.prefix)))}{at}"


def capture_place(url: str, key: str | None = None, secret: str | None = None) -> CapturePlace:
    """Return the storage that an address describes.

    Raises: ValueError.

    >>> str(capture_place("s3://texts/lesart?endpoint=http://store:9000"))
    's3://texts/lesart of http://store:9000'
    >>> str(capture_place("file:///srv/captures"))
    '/srv/captures'
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return CapturePlace(folder=Path(unquote(parts.path)))
    if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc:
        raise ValueError(
            f"{url!r} is no place for captures: write s3://BUCKET/PREFIX?endpoint=… or file:///DIR"
        )
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := asked.keys() - {"endpoint", "region"}:
        raise ValueError(f"{min(unknown)!r} says nothing about a bucket: only endpoint and region")
    return CapturePlace(
        None, parts.netloc, unquote(parts.path).strip("/"), **asked, key=key, secret=secret
    )
