"""List the files of a source in a fixed order, and report whether the listing is complete."""

import fnmatch
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from storage.values.arrivals.arrival import FileStamp
from storage.values.arrivals.formats import TYPE_BY_SUFFIX
from storage.values.locator import escape_locator
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from worker.sources.containers.items import FoundFile, RefusedDocument

DEEPEST = 100
"""Maximum depth of folders; each level holds one open descriptor."""

DOCUMENT_SUFFIXES: tuple[str, ...] = (*TYPE_BY_SUFFIX, ".gz")
"""A folder with such a suffix is reported, not scanned: a user mistook it for a document."""

_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAGIC = frozenset("*?[")


class FolderListing:
    """The selected files below `root`; iterate it once, then read its attributes.

    `complete` is true if everything was listed to the end: only then is a missing file deleted. A
    file that disappears during the listing is missing. `digest` is equal for two listings with the
    same files and stamps, `names` for two with the same names and sizes, also on two machines.
    """

    def __init__(self, root: Path, selection: "FileSelection") -> None:
        self.root = root
        self.files = 0
        self.bytes = 0
        self.rejected = 0
        self.complete = False
        self._wanted = selection
        self._whole = True
        self._hash, self._names = hashlib.sha256(), hashlib.sha256()

    def __iter__(self) -> Iterator[FoundFile | RefusedDocument]:
        pending: list[str] = []
        names: list[str] = []
        for entry in self._entries():
            if isinstance(entry, FoundFile):
                path, _, stamp = entry
                names.append(f"{path}\0{stamp[0]}\n")
                pending.append(f"{path}\0{stamp[0]}:{stamp[1]}:{stamp[2]}:{stamp[3]}\n")
                self.files += 1
                self.bytes += stamp[0]
            else:
                pending.append(f"{entry.locator}\0{entry.refused.code}\n")
                self.rejected += 1
            if len(pending) == 500:  # one long update is faster than many short ones
                self._add_to_digests(pending, names)
            yield entry
        self._add_to_digests(pending, names)
        self.complete = self._whole

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the paths and stamps read so far, in order."""
        return self._hash.hexdigest()

    @property
    def names(self) -> str:
        """Return the SHA-256 of the paths and sizes read so far, in order."""
        return self._names.hexdigest()

    def _add_to_digests(self, pending: list[str], names: list[str]) -> None:
        for digest, lines in ((self._hash, pending), (self._names, names)):
            digest.update("".join(lines).encode("utf-8", "surrogateescape"))
            lines.clear()

    def _entries(self) -> Iterator[FoundFile | RefusedDocument]:
        try:
            root_fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            yield self._folder_refusal("", error)
            return
        if self._wanted.name is None:
            yield from self._below(root_fd)
            return
        try:
            yield from self._single(root_fd, self._wanted.name)
        finally:
            os.close(root_fd)

    def _single(self, root_fd: int, name: str) -> Iterator[FoundFile | RefusedDocument]:
        try:
            status = os.stat(name, dir_fd=root_fd, follow_symlinks=False)
        except OSError as error:
            yield self._folder_refusal(name, error)
            if isinstance(error, FileNotFoundError) and _is_document_name(name):
                self._whole = True  # the folder exists, so the file is missing
        else:
            yield _file_or_refusal(name, status) or _irregular(name, status.st_mode)

    def _below(self, root_fd: int) -> Iterator[FoundFile | RefusedDocument]:
        """Walk depth first with a stack, because `yield from` would cost time on each level."""
        open_folders: list[int] = [root_fd]
        try:
            stack: list[tuple[str, Iterator[os.DirEntry[str]]]] = []
            try:
                stack.append(("", iter(_scan(root_fd))))
            except OSError as error:
                yield self._folder_refusal("", error)
            while stack:
                prefix, entries = stack[-1]
                for entry in entries:
                    path = prefix + entry.name
                    if entry.is_dir(follow_symlinks=False):
                        outcome = self._enter(path, entry.name, open_folders)
                        if isinstance(outcome, RefusedDocument):
                            yield outcome
                        elif outcome is not None:
                            stack.append((path + "/", outcome))
                            break
                    elif self._wanted.pattern is None or self._wanted.has_file(path):
                        seen = self._look(path, entry)
                        if seen is not None:
                            yield seen
                else:
                    stack.pop()
                    os.close(open_folders.pop())
        finally:
            for descriptor in open_folders:
                os.close(descriptor)

    def _look(self, path: str, entry: os.DirEntry[str]) -> FoundFile | RefusedDocument | None:
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            return self._folder_refusal(path, error)
        return _file_or_refusal(path, status) or _irregular(path, status.st_mode)

    def _enter(
        self, path: str, name: str, open_folders: list[int]
    ) -> Iterator[os.DirEntry[str]] | RefusedDocument | None:
        if not self._wanted.has_folder(path):
            return None
        if _is_document_name(name):
            return _irregular(path, stat.S_IFDIR)
        if len(open_folders) > DEEPEST:
            self._whole = False
            reason = message_text("deep_folders", limit=DEEPEST)
            return RefusedDocument(escape_locator(path), "", refuse("unreadable", reason=reason))
        try:
            descriptor = os.open(name, _OPEN_FOLDER, dir_fd=open_folders[-1])
        except OSError as error:
            return self._folder_refusal(path, error)
        try:
            entries = _scan(descriptor)
        except OSError as error:
            os.close(descriptor)
            return self._folder_refusal(path, error)
        open_folders.append(descriptor)
        return iter(entries)

    def _folder_refusal(self, path: str, error: OSError) -> RefusedDocument:
        self._whole = False
        return RefusedDocument(escape_locator(path), "", unreadable(error))


def walk(root: Path) -> FolderListing:
    """Return the listing of all files below the folder `root`, which may itself be a link."""
    return FolderListing(root, FileSelection())


def expand(locator: str, base: Path | None = None) -> FolderListing:
    """Return the listing of a locator: a folder, a file or a glob pattern.

    In a pattern `*` and `?` match within one name, `**` matches any folders. A file whose name is
    literally the pattern takes precedence. A file specified by name is listed even if a folder scan
    would ignore it. Relative locators start at `base`. If nothing exists, the listing is complete
    only for the name of a document: a missing folder (an unmounted disk) must not look as if all
    its files were deleted.

    >>> expand("/no/such/folder/*.txt").root
    PosixPath('/no/such/folder')
    """
    whole = Path(base or ".", locator)
    if whole.is_dir():
        return walk(whole)
    if _MAGIC.isdisjoint(locator) or os.path.lexists(whole):
        return FolderListing(whole.parent, FileSelection(name=whole.name))
    parts = locator.split("/")
    first = next(i for i, part in enumerate(parts) if not _MAGIC.isdisjoint(part))
    root = Path(base or ".", "/" if first and not parts[0] else "", *parts[:first])
    return FolderListing(root, FileSelection(pattern=tuple(part for part in parts[first:] if part)))


def is_ignored(name: str) -> bool:
    """Check whether files with this name are ignored without a message.

    >>> [is_ignored(n) for n in (".swp", "a.txt~", "a.part", "README.md", "a.txt")]
    [True, True, True, True, False]
    """
    return name.startswith((".", "README")) or name.endswith(("~", ".tmp", ".part"))


def unreadable(error: OSError) -> RefusalReason:
    """Return the refusal for a file or folder that the system could not read."""
    match error:
        case FileNotFoundError():
            reason = message_text("vanished")
        case PermissionError():
            reason = message_text("no_permission")
        case _:
            reason = (error.strerror or message_text("no_reason")).lower()
    return refuse("unreadable", reason=reason)


def stamp_of(status: os.stat_result) -> FileStamp:
    """Return the part of a stat result that changes whenever the file changes."""
    return FileStamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def kind_of(mode: int) -> str:
    """Return the plain name of the kind of a file that is not regular."""
    for test, words in _KINDS:
        if test(mode):
            return words
    return message_text("nameless_kind")


@dataclass(frozen=True, slots=True)
class FileSelection:
    """The selected files of a listing: all, one name, or those of a pattern."""

    name: str | None = None
    pattern: tuple[str, ...] | None = None

    def has_file(self, path: str) -> bool:
        return self.pattern is None or _matches(self.pattern, path.split("/"))

    def has_folder(self, path: str) -> bool:
        return self.pattern is None or _may_lead(self.pattern, path.split("/"))


_KINDS = (
    (stat.S_ISLNK, message_text("a_link")),
    (stat.S_ISDIR, message_text("a_folder")),
    (stat.S_ISFIFO, message_text("a_pipe")),
    (stat.S_ISSOCK, message_text("a_socket")),
    (stat.S_ISCHR, message_text("a_device")),
    (stat.S_ISBLK, message_text("a_device")),
)


def _scan(descriptor: int) -> list[os.DirEntry[str]]:
    """List one folder in code point order; ignored names are removed before any stat call."""
    with os.scandir(descriptor) as entries:
        kept = [entry for entry in entries if not _is_passed_over(entry)]
    kept.sort(key=attrgetter("name"))
    return kept


def _is_passed_over(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    if name[0] == ".":
        return True
    return is_ignored(name) and not entry.is_dir(follow_symlinks=False)


def _file_or_refusal(path: str, status: os.stat_result) -> FoundFile | None:
    if not stat.S_ISREG(status.st_mode):
        return None
    return FoundFile(path, escape_locator(path), stamp_of(status))


def _is_document_name(name: str) -> bool:
    return name.lower().endswith(DOCUMENT_SUFFIXES)


def _irregular(path: str, mode: int) -> RefusedDocument:
    refused = refuse("not_regular_file", detected=kind_of(mode))
    return RefusedDocument(escape_locator(path), "", refused)


def _matches(pattern: tuple[str, ...], names: list[str]) -> bool:
    if not pattern:
        return not names
    if pattern[0] == "**":
        return any(_matches(pattern[1:], names[i:]) for i in range(len(names) + 1))
    if not names or not fnmatch.fnmatchcase(names[0], pattern[0]):
        return False
    return _matches(pattern[1:], names[1:])


def _may_lead(pattern: tuple[str, ...], names: list[str]) -> bool:
    """Check whether a folder can contain a path that matches the pattern."""
    for part, name in zip(pattern, names, strict=False):
        if part == "**":
            return True
        if not fnmatch.fnmatchcase(name, part):
            return False
    return len(names) < len(pattern)
