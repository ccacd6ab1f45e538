"""Stores for the bytes of captures outside the database: a folder, or a bucket (S3).

The engine of an archive knows its store; each of its connections finds it there.

Each object gets a new name, and nothing is ever overwritten. The row of the capture contains the
name instead of the bytes, and is written after the object. An object that no row references is an
orphan, which a killed process left; the next sweep deletes it (`storage.write.orphans`).
"""

import errno
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, TypeAlias, TypeVar

from storage.database.compression import DamagedBytesError, unpack
from storage.values.digest import raw_digest
from storage.values.lazy import LazyModule
from storage.values.net.capture_place import CAPTURES, CapturePlace

if TYPE_CHECKING:
    from concurrent import futures

    from sqlalchemy import Connection, Engine

    OpenArchive: TypeAlias = Connection | Engine
else:
    futures = LazyModule("concurrent.futures")

T = TypeVar("T")
R = TypeVar("R")
MARK = b"lesart-object:"
PART = ".part"
"""Suffix of the name of an object while it is written, where that is needed."""
AT_A_TIME = 16
"""Number of objects that one process puts or gets concurrently."""
CONNECT_SECONDS = 5
REQUEST_SECONDS = 60
RETRIES = 3


class CapturesError(OSError):
    """The capture store cannot be used now; stored captures are not affected."""


class CapturesAwayError(CapturesError):
    """The capture store does not answer, or refuses."""

    def __init__(self, place: str, reason: str) -> None:
        message = f"the store of captures at {place} does not answer: {reason}"
        super().__init__(errno.EREMOTEIO, message)


class CapturesUnsetError(CapturesError):
    """The archive keeps captured bytes in a store, and was opened without its place."""

    def __init__(self) -> None:
        message = (
            "captured bytes are in an object storage, but captures_url is not set "
            "(in Python: the argument `captures` of open_archive)"
        )
        super().__init__(errno.EREMOTEIO, message)


class SweptMeanwhileError(CapturesError):
    """A sweep began between the put of an object and its row: put it again."""

    def __init__(self) -> None:
        super().__init__(errno.EAGAIN, "the store of captures was swept meanwhile")


class MissingBytesError(DamagedBytesError):
    """A row references an object that is missing in the store."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the object {name} is not in the store of captures")


class StoredBytes(NamedTuple):
    """The stored form of a capture: `data` are the compressed bytes, or the name of an object."""

    digest: bytes
    encoding: str
    data: bytes

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return the value of the columns `digest`, `encoding` and `data`."""
        return cls(bytes(row["digest"]), row["encoding"], row["data"])


class CaptureStore(Protocol):
    """A store of objects."""

    def put(self, name: str, data: bytes) -> None:
        """Store an object durably before returning. Raises: CapturesAwayError."""

    def get(self, name: str) -> bytes:
        """Return an object. Raises: FileNotFoundError, CapturesAwayError."""

    def delete(self, names: Sequence[str]) -> None:
        """Delete objects; missing ones are ignored. Raises: CapturesAwayError."""

    def names(self, folder: str) -> Iterator[tuple[str, datetime]]:
        """Yield the objects below `folder` with the time of storing. Raises: CapturesAwayError."""

    def names_of(self, folder: str, digest: bytes) -> Iterator[str]:
        """Yield the objects of a digest, begun ones as well. Raises: CapturesAwayError."""

    def stored_at(self, name: str) -> datetime:
        """Return the time of storing of an object. Raises: FileNotFoundError, CapturesAwayError."""


# --------------------------------------------------------------------- the store of an archive


def store_of(archive: "OpenArchive") -> CaptureStore | None:
    """Return the capture store of an open archive; None if bytes are in the database.

    Raises: CapturesAwayError.
    """
    place = archive.get_execution_options().get(CAPTURES)
    return None if place is None else open_store(place)


def open_store(place: CapturePlace, seconds: int | None = None) -> CaptureStore:
    """Return the capture store at a place; `seconds` limits the one request to a bucket.

    Raises: CapturesAwayError.
    """
    return _open_store(place, seconds, os.getpid())


@lru_cache(maxsize=4)
def _open_store(place: CapturePlace, seconds: int | None, _process: int) -> CaptureStore:
    return BucketStore(place, seconds) if place.folder is None else FolderStore(place.folder)


# --------------------------------------------------------------------- objects and their names


ROUND_LENGTH = 8


def new_name(folder: str, digest: bytes, sweep_round: str | None = None) -> str:
    """Return a unique name for bytes with this digest, put in this round of sweeps, if any."""
    return (
        f"{_prefix_of(folder, digest)}{sweep_round or secrets.token_hex(4)}{secrets.token_hex(4)}"
    )


def round_in(name: str) -> str:
    """Return the round of an object name.

    >>> round_in(new_name("a", bytes(32), "12345678"))
    '12345678'
    """
    return name.rpartition("-")[2][:ROUND_LENGTH]


def _prefix_of(folder: str, digest: bytes) -> str:
    hexed = digest.hex()
    return f"{folder}/{hexed[:2]}/{hexed}-"


def digest_in(name: str) -> bytes | None:
    """Return the digest in the name of an object, also of a begun one; None for other programs'.

    >>> digest_in(new_name("a", bytes(32)) + PART) == bytes(32)
    True
    >>> digest_in("a/notes.txt")
    """
    hexed, _, token = name.rpartition("/")[2].removesuffix(PART).partition("-")
    if len(hexed) != 64 or len(token) != 16:
        return None
    with suppress(ValueError):
        return bytes.fromhex(hexed)
    return None


def pointer(name: str) -> bytes:
    """Return the column value that references an object."""
    return MARK + name.encode()


def name_in(digest: bytes, data: bytes | None) -> str | None:
    """Return the object name in a column value, None if it contains the bytes themselves.

    Bytes are never mistaken for a name: they would have to contain their own digest.
    """
    if data is None or not data.startswith(MARK):
        return None
    name = bytes(data).removeprefix(MARK).decode("utf-8", "replace")
    return name if digest_in(name) == digest else None


def clock_of(store: CaptureStore, folder: str) -> datetime:
    """Return the time by the store's own clock: that of a new object, deleted at once.

    Raises: CapturesAwayError.
    """
    name = new_name(folder, bytes(32))
    store.put(name, b"")
    moment = store.stored_at(name)
    store.delete([name])
    return moment


def put_all(store: CaptureStore, objects: Mapping[str, bytes]) -> None:
    """Store objects, some concurrently, all or none.

    Raises: CapturesAwayError. If the store refuses to delete the others, too, the sweep does.
    """
    try:
        _run_parallel(lambda item: store.put(*item), list(objects.items()))
    except OSError:
        with suppress(OSError):
            store.delete(list(objects))
        raise


def delete_digests(store: CaptureStore, folder: str, digests: Sequence[bytes]) -> None:
    """Delete all objects with these digests, begun ones as well. Raises: CapturesAwayError."""
    found = _run_parallel(lambda digest: list(store.names_of(folder, digest)), digests)
    if names := [name for some in found for name in some]:
        store.delete(names)


def load(archive: "OpenArchive", stored: StoredBytes) -> bytes:
    """Return the original bytes of a capture from the database or the store.

    Bytes from a store are checked against the digest. Raises: DamagedBytesError,
    MissingBytesError, CapturesAwayError, CapturesUnsetError.
    """
    return _unpack_stored(store_of(archive), stored)


def _unpack_stored(store: CaptureStore | None, stored: StoredBytes) -> bytes:
    raw = unpack(stored.encoding, _load_compressed(store, stored))
    if _is_away(stored) and raw_digest(raw) != stored.digest:
        raise DamagedBytesError(f"the object of {stored.digest.hex()} holds other bytes")
    return raw


def load_all(
    archive: "OpenArchive", rows: Iterable[StoredBytes]
) -> Iterator[bytes | DamagedBytesError]:
    """Yield the bytes of captures, or the error in them; some are fetched concurrently.

    Raises: CapturesAwayError, CapturesUnsetError.
    """
    left, get = iter(rows), partial(_unpack_or_report, store_of(archive))
    while some := list(islice(left, 4 * AT_A_TIME)):
        yield from _gotten(get, some)


def _load_compressed(store: CaptureStore | None, stored: StoredBytes) -> bytes:
    name = name_in(stored.digest, stored.data)
    if name is None:
        return stored.data
    if store is None:
        raise CapturesUnsetError
    try:
        return store.get(name)
    except FileNotFoundError as error:
        raise MissingBytesError(name) from error


def load_all_compressed(archive: "OpenArchive", rows: Sequence[StoredBytes]) -> list[bytes]:
    """Return the compressed bytes of captures, from the database or the store.

    Raises: MissingBytesError, CapturesAwayError, CapturesUnsetError.
    """
    return list(_gotten(partial(_load_compressed, store_of(archive)), rows))


def _unpack_or_report(store: CaptureStore | None, stored: StoredBytes) -> bytes | DamagedBytesError:
    try:
        return _unpack_stored(store, stored)
    except DamagedBytesError as error:
        return error


def _is_away(stored: StoredBytes) -> bool:
    return name_in(stored.digest, stored.data) is not None


def _gotten(get: Callable[[StoredBytes], R], rows: Sequence[StoredBytes]) -> Iterable[R]:
    """Apply `get` to each row, concurrently if a store is used."""
    return _run_parallel(get, rows) if any(map(_is_away, rows)) else map(get, rows)


def _run_parallel(act: Callable[[T], R], items: Sequence[T]) -> list[R]:
    if len(items) < 2:
        return [act(each) for each in items]
    with futures.ThreadPoolExecutor(min(AT_A_TIME, len(items))) as pool:
        return list(pool.map(act, items))


# ---------------------------------------------------------------------------------------- stores


class FolderStore:
    """Objects as files; each is synced to disk, including its name, before `put` returns."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, data: bytes) -> None:
        path = self._root / name
        part = path.with_name(path.name + PART)
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
                name = path.relative_to(self._root).as_posix()
                yield name, self.stored_at(name)

    def names_of(self, folder: str, digest: bytes) -> Iterator[str]:
        prefix = _prefix_of(folder, digest)
        for path in (self._root / prefix).parent.glob(f"{digest.hex()}-*"):
            yield path.relative_to(self._root).as_posix()

    def stored_at(self, name: str) -> datetime:
        try:
            return datetime.fromtimestamp((self._root / name).stat().st_mtime, UTC)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise CapturesAwayError(str(self._root), error.strerror or str(error)) from error

    def _make(self, folder: Path) -> None:
        """Create a folder with its parents, and sync their names to disk."""
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
    """Objects in a bucket; credentials missing in the settings come from the AWS variables."""

    def __init__(self, place: CapturePlace, seconds: int | None = None) -> None:
        limit = timedelta(seconds=seconds or REQUEST_SECONDS)
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
                "connect_timeout": min(limit, timedelta(seconds=CONNECT_SECONDS)),
                "timeout": limit,
            },
            retry_config={
                "max_retries": 0 if seconds else RETRIES,
                "retry_timeout": limit,
            },
            **{name: value for name, value in options.items() if value is not None},
        )

    def put(self, name: str, data: bytes) -> None:
        # parts of an interrupted upload would remain, and no listing names them
        self._request(lambda: self._client.put(self._store, name, data, use_multipart=False))

    def get(self, name: str) -> bytes:
        return self._request(lambda: bytes(self._client.get(self._store, name).bytes()))

    def delete(self, names: Sequence[str]) -> None:
        with suppress(FileNotFoundError):
            self._request(lambda: self._client.delete(self._store, list(names)))

    def names(self, folder: str) -> Iterator[tuple[str, datetime]]:
        yield from self._list(folder)

    def names_of(self, folder: str, digest: bytes) -> Iterator[str]:
        prefix = _prefix_of(folder, digest)
        for name, _moment in self._list(prefix.rpartition("/")[0], prefix):
            if not name.startswith(prefix):
                return
            yield name

    def _list(self, folder: str, offset: str | None = None) -> Iterator[tuple[str, datetime]]:
        listed = iter(self._client.list(self._store, prefix=folder, offset=offset))
        while page := self._request(lambda: next(listed, None)):
            for each in page:
                yield each["path"], each["last_modified"]

    def stored_at(self, name: str) -> datetime:
        moment: datetime = self._request(
            lambda: self._client.head(self._store, name)["last_modified"]
        )
        return moment

    def _request(self, ask: Callable[[], R]) -> R:
        try:
            return ask()
        except FileNotFoundError as error:
            if "NoSuchBucket" not in str(error):
                raise
            raise CapturesAwayError(str(self._place), "there is no such bucket") from error
        except (self._client.exceptions.BaseError, OSError, ValueError) as error:
            message = str(error).strip().partition("\n")[0][:300]
            raise CapturesAwayError(str(self._place), message) from error
