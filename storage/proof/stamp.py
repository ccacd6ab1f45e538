"""Stamps of time-stamping authorities (RFC 3161) on checkpoints: requests, and offline checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from storage.proof.policy import PolicyError
from storage.values.failures import naming_file
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    import rfc3161_client
    from cryptography import x509
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse
else:
    rfc3161_client = LazyModule("rfc3161_client")
    x509 = LazyModule("cryptography.x509")


class StampError(ValueError):
    """Not a valid stamp, or a stamp on other data or by another authority."""


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority: its name, its address, and the certificates (PEM) of its stamps.

    One without certificates is an OpenTimestamps calendar.
    """

    name: str
    url: str
    roots: bytes

    @property
    def is_calendar(self) -> bool:
        return not self.roots

    def certificates(self) -> list["Certificate"]:
        """Return the certificates. Raises: ValueError if there are none."""
        return x509.load_pem_x509_certificates(self.roots)


def read_authorities(path: Path | None) -> tuple[Authority, ...]:
    """Return the authorities in a file of lines `authority NAME URL CERTIFICATES.pem`.

    A line `calendar NAME URL` is an OpenTimestamps calendar. Paths of certificates are relative to
    the folder of the file. Raises: PolicyError.
    """
    if path is None:
        return ()
    response: dict[str, Authority] = {}
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(0, f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        words = line.split()
        if words and not words[0].startswith("#"):
            try:
                each = _authority(words, path.parent)
            except (OSError, ValueError) as error:
                raise PolicyError(number, str(error)) from error
            if each.name in response:
                raise PolicyError(number, f"the name {each.name} is taken")
            response[each.name] = each
    return tuple(response.values())


def _authority(words: Sequence[str], folder: Path) -> Authority:
    match words:
        case ["authority", name, url, file] if url.startswith(("http://", "https://")):
            with naming_file(folder / file):
                response = Authority(name, url, (folder / file).read_bytes())
            response.certificates()
            return response
        case ["calendar", name, url] if url.startswith(("http://", "https://")):
            return Authority(name, url.rstrip("/"), b"")
    raise ValueError(f"this is no line of authorities: {' '.join(words)}")


def stamp_request(note: str) -> bytes:
    """Return the request to an authority: the SHA-256 of a checkpoint as signed by the log."""
    asked = (
        rfc3161_client.TimestampRequestBuilder()
        .data(note.encode())
        .hash_algorithm(rfc3161_client.HashAlgorithm.SHA256)
    )
    return asked.build().as_bytes()


def read_stamp_time(stamp: bytes, note: str, authority: Authority | None) -> datetime:
    """Return the time of a stamp on a checkpoint, by the clock of the authority.

    Without an authority the signature is not checked, only that the stamp belongs to this
    checkpoint. Raises: StampError.
    """
    response = _parse(stamp)
    roots = [] if authority is None else authority.certificates()
    try:
        if roots:
            rfc3161_client.VerifierBuilder(roots=roots).build().verify_message(
                response, note.encode()
            )
        else:
            _check_imprint(response, note)
    except rfc3161_client.VerificationError as error:
        raise StampError(str(error)) from error
    return response.tst_info.gen_time


def _parse(stamp: bytes) -> "TimeStampResponse":
    try:
        response = rfc3161_client.decode_timestamp_response(stamp)
        status = rfc3161_client.PKIStatus(response.status)
    except ValueError as error:
        raise StampError(f"it is no stamp: {error}") from error
    if status != rfc3161_client.PKIStatus.GRANTED:
        reason = "; ".join(map(str, response.status_string)) or status.name
        raise StampError(f"the authority did not stamp: {reason}")
    return response


def _check_imprint(response: "TimeStampResponse", note: str) -> None:
    if response.tst_info.message_imprint.message != sha256(note.encode()).digest():
        raise StampError("it is a stamp on something else")
