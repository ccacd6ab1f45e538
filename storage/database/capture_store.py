"""Where the bytes of captures lie, if not in the database: in a folder, or in a bucket (S3).

An object gets a new name each time that it is put, and nothing is ever overwritten. The row of
the capture names it in the place of the bytes, and is written when the object is there. What no
row names is an orphan: harmless, and swept (`storage.write.orphans`).
"""

import errno
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from storage.database.compression import DamagedBytesError, unpack
from storage.values.digest import raw_digest
from storage.values.net.capture_place import CapturePlace

T = TypeVar("T")
R = TypeVar("R")
MARK = b"lesart-object:"
AT_A_TIME = 16
"""Objects that one process puts or gets beside each other."""
CONNECT_SECONDS = 5
REQUEST_SECONDS = 60
RETRIES = 3


class CapturesAwayError(OSError):
    """The store of captures does not answer, or refuses; nothing that was kept is lost."""

    def __init__(self, place: str, reason: str) -> None:
        message = f"the store of captures at {place} does not answer: {reason}"
        super().__init__(errno.EREMOTEIO, message)


class CapturesUnsetError(OSError):
    """Bytes lie in a store, and no setting says where that is."""

    def __init__(self) -> None:
        message = "the bytes of captures lie in a store, and captures_url does not say where"
        super().__init__(errno.EREMOTEIO, message)


class MissingBytesError(DamagedBytesError):
    """A row names an object that is not in the store."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the object {name} is not in the store of captures")


class Held(NamedTuple):
    """What the row of a capture holds: `data` are the packed bytes, or the name of an object."""

    digest: bytes
    encoding: str
    data: bytes

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return what the columns `digest`, `encoding` and `data` hold."""
        return cls(bytes(row["digest"]), row["encoding"], row["data"])


class CaptureStore(Protocol):
    """A place for objects."""

    def put(self, name: str, data: bytes) -> None:
        """Keep an object for good; it is there once this returns. Raises: CapturesAwayError."""

    def get(self, name: str) -> bytes:
        """Return an object. Raises: FileNotFoundError, CapturesAwayError."""

    def delete(self, names: Sequence[str]) -> None:
        """Delete objects; one that is not there is no error. Raises: CapturesAwayError."""

    def names(self, folder: str) -> Iterator[tuple[str, datetime]]:
        """Yield the objects below `folder` and when each was put. Raises: CapturesAwayError."""


# ------------------------------------------------------------------------- the store that is used

_USED: list[CapturePlace | None] = [None]


def use_captures(place: CapturePlace | None) -> None:
    """Let this process, and those forked from it, keep and find the bytes of captures there."""
    _USED[0] = place


def capture_store() -> CaptureStore | None:
    """Return the store that this process uses; None where bytes go into the database.

    Raises: CapturesAwayError.
    """
    place = _USED[0]
    return None if place is None else _opened(place, os.getpid())


@lru_cache(maxsize=4)
def _opened(place: CapturePlace, _process: int) -> CaptureStore:
    return BucketStore(place) if place.folder is None else FolderStore(place.folder)


# --------------------------------------------------------------------- objects and their names


def new_name(folder: str, digest: bytes) -> str:
    """Return a name that nobody ever had, for bytes with this digest."""
    hexed = digest.hex()
    return f"{folder}/{hexed[:2]}/{hexed}-{secrets.token_hex(8)}"


def digest_in(name: str) -> bytes | None:
    """Return the digest of the bytes that an object of that name has; None for a foreign name.

    >>> digest_in(new_name("a", bytes(32))) == bytes(32)
    True
    >>> digest_in("a/notes.txt")
    """
    hexed, _, token = name.rpartition("/")[2].partition("-")
    if len(hexed) != 64 or len(token) != 16:
        return None
    with suppress(ValueError):
        return bytes.fromhex(hexed)
    return None


def pointer(name: str) -> bytes:
    """Return what stands in a row in the place of bytes that are an object."""
    return MARK + name.encode()


def name_in(digest: bytes, data: bytes | None) -> str | None:
    """Return the object that a row names, None where it holds the bytes themselves.

    Bytes are never taken for a name: they would have to hold their own digest.
    """
    if data is None or not data.startswith(MARK):
        return None
    name = bytes(data).removeprefix(MARK).decode("utf-8", "replace")
    return name if digest_in(name) == digest else None


def put_all(store: CaptureStore, objects: Mapping[str, bytes]) -> None:
    """Keep objects, some beside each other. Raises: CapturesAwayError."""
    _beside(lambda item: store.put(*item), list(objects.items()))


def load(held: Held) -> bytes:
    """Return the bytes of a capture as they were found, wherever they lie.

    What comes from a store is held to its digest. Raises: DamagedBytesError, MissingBytesError,
    CapturesAwayError, CapturesUnsetError.
    """
    raw = unpack(held.encoding, packed(held))
    if _is_away(held) and raw_digest(raw) != held.digest:
        raise DamagedBytesError(f"the object of {held.digest.hex()} holds other bytes")
    return raw


def load_all(rows: Iterable[Held]) -> Iterator[bytes | DamagedBytesError]:
    """Yield the bytes of captures, or what is wrong with them, some fetched beside each other.

    Raises: CapturesAwayError, CapturesUnsetError.
    """
    left = iter(rows)
    while some := list(islice(left, 4 * AT_A_TIME)):
        yield from _gotten(_tried, some)


def packed(held: Held) -> bytes:
    """Return the bytes of a capture as they are packed, wherever they lie.

    Raises: MissingBytesError, CapturesAwayError, CapturesUnsetError.
    """
    name = name_in(held.digest, held.data)
    if name is None:
        return held.data
    store = capture_store()
    if store is None:
        raise CapturesUnsetError
    try:
        return store.get(name)
    except FileNotFoundError as error:
        raise MissingBytesError(name) from error


def packed_all(rows: Sequence[Held]) -> list[bytes]:
    """Return the packed bytes of captures. Raises: as `packed`."""
    return list(_gotten(packed, rows))


def _tried(held: Held) -> bytes | DamagedBytesError:
    try:
        return load(held)
    except DamagedBytesError as error:
        return error


def _is_away(held: Held) -> bool:
    return name_in(held.digest, held.data) is not None


def _gotten(get: Callable[[Held], R], rows: Sequence[Held]) -> Iterable[R]:
    """Apply `get` to each row, beside each other where a store is asked."""
    return _beside(get, rows) if any(map(_is_away, rows)) else map(get, rows)


def _beside(act: Callable[[T], R], items: Sequence[T]) -> list[R]:
    if len(items) < 2:
        return [act(each) for each in items]
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # a bucket alone needs it

    with ThreadPoolExecutor(min(AT_A_TIME, len(items))) as pool:
        return list(pool.map(act, items))


# ---------------------------------------------------------------------------------------- places


class FolderStore:
    """Objects as files; each is on the disk, with its name, before it counts as put."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, data: bytes) -> None:
        path = self._root / name
        part = path.with_name(f"{path.name}.part")
        try:
            self._make(path.parent)
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
            _sync(path.parent)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            raise CapturesAwayError(str(self._root), error.strerror or str(error)) from error

    def get(self, name: str) -> bytes:
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError:
            if self._root.is_dir():
                raise
            raise CapturesAwayError(str(self._root), "there is no such folder") from None
        except OSError as error:
            raise CapturesAwayError(str(self._root), error.strerror or str(error)) from error

    def delete(self, names: Sequence[str]) -> None:
        try:
            for name in names:
                (self._root / name).unlink(missing_ok=True)
        except OSError as error:
            raise CapturesAwayError(str(self._root), error.strerror or str(error)) from error

    def names(self, folder: str) -> Iterator[tuple[str, datetime]]:
        for path in (self._root / folder).glob("*/*"):
            with suppress(FileNotFoundError):
                moment = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                yield path.relative_to(self._root).as_posix(), moment

    def _make(self, folder: Path) -> None:
        """Make a folder with all above it, and let the disk know their names."""
        if folder.is_dir():
            return
        if folder != self._root:
            self._make(folder.parent)
        folder.mkdir(0o700, parents=True, exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class BucketStore:
    """Objects in a bucket; keys that the settings do not give come from the AWS variables."""

    def __init__(self, place: CapturePlace) -> None:
        try:
            import obstore  # noqa: PLC0415  # an extra, and slow to load
            from obstore.store import S3Store  # noqa: PLC0415
        except ImportError as error:
            message = "the package for it is not installed: pip install 'lesart[s3]'"
            raise CapturesAwayError(str(place), message) from error
        self._place, self._client = place, obstore
        options: dict[str, Any] = {"endpoint": place.endpoint, "access_key_id": place.key,
                                   "secret_access_key": place.secret}  # fmt: skip
        region = (
            place.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        )
        self._store = S3Store(
            place.bucket,
            prefix=place.prefix or None,
            region=region or "us-east-1",
            virtual_hosted_style_request=False if place.endpoint else None,
            client_options={
                "allow_http": (place.endpoint or "").startswith("http://"),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "timeout": timedelta(seconds=REQUEST_SECONDS),
            },
            retry_config={
                "max_retries": RETRIES,
                "retry_timeout": timedelta(seconds=REQUEST_SECONDS),
            },
            **{name: value for name, value in options.items() if value is not None},
        )

    def put(self, name: str, data: bytes) -> None:
        self._asked(lambda: self._client.put(self._store, name, data))

    def get(self, name: str) -> bytes:
        return self._asked(lambda: bytes(self._client.get(self._store, name).bytes()))

    def delete(self, names: Sequence[str]) -> None:
        with suppress(FileNotFoundError):
            self._asked(lambda: self._client.delete(self._store, list(names)))

    def names(self, folder: str) -> Iterator[tuple[str, datetime]]:
        listed = iter(self._client.list(self._store, prefix=folder))
        while page := self._asked(lambda: next(listed, None)):
            for each in page:
                yield each["path"], each["last_modified"]

    def _asked(self, ask: Callable[[], R]) -> R:
        try:
            return ask()
        except FileNotFoundError as error:
            if "NoSuchBucket" not in str(error):
                raise
            raise CapturesAwayError(str(self._place), "there is no such bucket") from error
        except (self._client.exceptions.BaseError, OSError, ValueError) as error:
            message = str(error).strip().partition("\n")[0][:300]
            raise CapturesAwayError(str(self._place), message) from error
