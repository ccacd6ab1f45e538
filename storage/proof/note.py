"""Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature)."""

import base64
import binascii
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Self

from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from cryptography import exceptions
    from cryptography.hazmat.primitives.asymmetric import ed25519
else:
    exceptions = LazyModule("cryptography.exceptions")
    ed25519 = LazyModule("cryptography.hazmat.primitives.asymmetric.ed25519")

ED25519 = 0x01
COSIGNATURE = 0x04
"""Ed25519 over the time and a checkpoint, signed by a witness."""
LARGEST_NOTE = 200_000
MOST_SIGNATURES = 64
DASH = "— "


class NoteError(ValueError):
    """Not a valid signed note, key or checkpoint, or not signed as required."""


def is_name(name: str) -> bool:
    """Check whether a key may have this name.

    >>> is_name("example.org/log"), is_name("two words"), is_name("a+b")
    (True, False, False)
    """
    is_plain = all(each.isprintable() and not each.isspace() for each in name)
    return bool(name) and is_plain and "+" not in name


@dataclass(frozen=True)
class Verifier:
    """The public part of a key: its name, its purpose, 32 bytes of Ed25519."""

    name: str
    kind: int
    key: bytes

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Parse a key in its exchange format: NAME+ID+BASE64.

        Raises: NoteError.
        """
        name, _, rest = vkey.strip().partition("+")
        number, _, encoded = rest.partition("+")
        data = _decode(encoded, "key")
        if not is_name(name) or len(data) != 33 or data[0] not in {ED25519, COSIGNATURE}:
            raise NoteError(f"{vkey!r} is no Ed25519 key of a log or a witness")
        found = cls(name, data[0], data[1:])
        if number != found.number.hex():
            raise NoteError(f"the key {vkey!r} has the number {found.number.hex()}")
        return found

    @cached_property
    def number(self) -> bytes:
        """Return the four bytes that identify the key in addition to its name."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.key).digest()[:4]

    @property
    def vkey(self) -> str:
        encoded = base64.b64encode(bytes([self.kind]) + self.key).decode()
        return f"{self.name}+{self.number.hex()}+{encoded}"

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
        except (exceptions.InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """The secret part of a key; its seed never appears in messages."""

    verifier: Verifier
    _seed: bytes

    def __repr__(self) -> str:
        return f"Signer({self.verifier.vkey!r})"

    @classmethod
    def generate(cls, name: str, kind: int = ED25519, seed: bytes | None = None) -> Self:
        """Create a new key.

        Raises: NoteError for an invalid name.
        """
        if not is_name(name):
            raise NoteError(f"{name!r} is no name of a key: no blanks, no plus")
        secret = (
            ed25519.Ed25519PrivateKey.generate()
            if seed is None
            else ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        )
        public = secret.public_key().public_bytes_raw()
        return cls(Verifier(name, kind, public), secret.private_bytes_raw())

    @property
    def renamed_for_sigsum(self) -> "Signer":
        """Return the key with the name that Sigsum requires: the hash of its public half."""
        name = f"sigsum.org/v1/tree/{sha256(self.verifier.key).hexdigest()}"
        return replace(self, verifier=replace(self.verifier, name=name))

    def drawn(self, purpose: bytes) -> bytes:
        """Return 64 bytes derived from the secret for one purpose, which do not reveal it."""
        return hmac.digest(self._seed, purpose, "sha512")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the output of `secret`.

        Raises: NoteError.
        """
        parts = text.strip().split("+", 4)
        if len(parts) != 5 or parts[:2] != ["PRIVATE", "KEY"]:
            raise NoteError("the file contains no key: create one with `lesart proof keygen`")
        data = _decode(parts[4], "secret key")
        if len(data) != 33 or data[0] != ED25519:
            raise NoteError("the file holds no Ed25519 key of a log")
        found = cls.generate(parts[2], ED25519, data[1:])
        if found.verifier.number.hex() != parts[3]:
            raise NoteError("the secret key is damaged: its number does not fit")
        return found

    @property
    def secret(self) -> str:
        """Return the key in its file format: `PRIVATE+KEY+NAME+ID+BASE64`."""
        encoded = base64.b64encode(bytes([self.verifier.kind]) + self._seed).decode()
        return f"PRIVATE+KEY+{self.verifier.name}+{self.verifier.number.hex()}+{encoded}\n"

    def sign(self, text: str) -> str:
        """Return the signature line of a note."""
        signature = ed25519.Ed25519PrivateKey.from_private_bytes(self._seed).sign(text.encode())
        encoded = base64.b64encode(self.verifier.number + signature).decode()
        return f"{DASH}{self.verifier.name} {encoded}\n"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line of a note: signer, key, and the line itself."""

    name: str
    number: bytes
    data: bytes
    line: str

    @property
    def at(self) -> int:
        """Return the time of a cosignature in POSIX seconds."""
        return int.from_bytes(self.data[:8])


@dataclass(frozen=True, slots=True)
class Note:
    """A text with its signature lines, not verified yet."""

    text: str
    signatures: tuple[NoteSignature, ...]

    @classmethod
    def parse(cls, data: str | bytes) -> Self:
        """Parse a signed note.

        Raises: NoteError.
        """
        note = _decode_text(data)
        text, separator, below = note.rpartition("\n\n")
        lines = below.split("\n")
        if not separator or lines[-1] or not 1 < len(lines) <= MOST_SIGNATURES + 1:
            raise NoteError("it is no signed note: a text, an empty line, signatures")
        if any(ord(each) < 0x20 and each != "\n" for each in note):
            raise NoteError("it is no signed note: it holds control characters")
        return cls(f"{text}\n", tuple(_signature(line) for line in lines[:-1]))

    def line_of(self, verifier: Verifier) -> NoteSignature | None:
        """Return the verified line of this key, None if there is none.

        Raises: NoteError for an invalid signature.
        """
        for each in self.signatures:
            if (each.name, each.number) != (verifier.name, verifier.number):
                continue
            message, signature = self.text.encode(), each.data
            if verifier.kind == COSIGNATURE:
                message, signature = _cosignature_message(self.text, each.at), each.data[8:]
            if not verifier.has_signed(message, signature):
                raise NoteError(f"the signature of {verifier.name} is wrong")
            return each
        return None

    def require(self, verifiers: Iterable[Verifier]) -> Verifier:
        """Return a key that signed.

        Raises: NoteError if none of them signed, or a signature is invalid.
        """
        signed = [each for each in verifiers if self.line_of(each) is not None]
        if not signed:
            raise NoteError("it is signed by no key that is known")
        return signed[0]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: its origin, the number of leaves, and the root of their tree."""

    origin: str
    size: int
    root: bytes
    more: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the text of a note.

        Raises: NoteError.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise NoteError("it is no checkpoint: three lines at least")
        size = number_of(lines[1])
        root = _decode(lines[2], "root")
        if len(root) != 32:
            raise NoteError("it is no checkpoint: the root has 32 bytes")
        return cls(lines[0], size, root, tuple(lines[3:-1]))

    @property
    def text(self) -> str:
        root = base64.b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, self.size, root, *self.more))

    def signed(self, signer: Signer) -> str:
        """Return the checkpoint as a signed note."""
        return f"{self.text}\n{signer.sign(self.text)}"


def number_of(text: str) -> int:
    """Parse a number in the format of these notes.

    Raises: NoteError.

    >>> number_of("007")
    Traceback (most recent call last):
    storage.proof.note.NoteError: '007' is no number
    """
    if not (text.isascii() and text.isdecimal()) or len(text) > 19 or str(int(text)) != text:
        raise NoteError(f"{text!r} is no number")
    return int(text)


def _signature(line: str) -> NoteSignature:
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    data = _decode(encoded, "signature")
    if not line.startswith(DASH) or not is_name(name) or len(data) < 5:
        raise NoteError("it is no signed note: a signature is garbled")
    return NoteSignature(name, data[:4], data[4:], line)


def _cosignature_message(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _decode(encoded: str, what: str) -> bytes:
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError(f"a {what} is garbled") from error
    if base64.b64encode(data).decode() != encoded:
        raise NoteError(f"a {what} is garbled")
    return data


def _decode_text(text: str | bytes) -> str:
    if len(text) > LARGEST_NOTE:
        raise NoteError("it is no signed note: it is too long")
    try:
        return text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise NoteError("it is no signed note: it is not UTF-8") from error


TLOG_PROOF_HEADING = "c2sp.org/tlog-proof@v1\n"


def tlog_proof(index: int, path: Sequence[bytes], checkpoint: str) -> str:
    """Return the proof from the index of an entry, its path to the root, and a signed checkpoint.

    Without `TLOG_PROOF_HEADING` it has the format of litetlog's `spicy`.
    """
    lines = [f"index {index}", *(base64.b64encode(node).decode() for node in path)]
    return TLOG_PROOF_HEADING + "".join(f"{line}\n" for line in lines) + f"\n{checkpoint}"
