"""The values of settings: each reader turns what is given into a value, or raises ValueError."""

import re
from collections import Counter
from ipaddress import ip_network
from pathlib import Path
from string import ascii_lowercase, digits, hexdigits
from typing import TYPE_CHECKING, Any

from storage.values.lazy import LazyModule
from storage.values.messages import message_text
from storage.values.net.capture_place import capture_place
from storage.values.net.mail_server import read_mail_server
from storage.values.net.private_hosts import read_own_host
from storage.values.net.web_archive import LISTS, archive_keys, read_web_archive

if TYPE_CHECKING:
    import zoneinfo
else:
    zoneinfo = LazyModule("zoneinfo")

SMALLEST_EVERY_SECONDS = 0.1
SMALLEST_PACE_SECONDS = 0.01
LONGEST_INTERVAL = 100 * 365 * 86_400.0
"""A hundred years: no clock runs over within it."""
BROKERS = ("memory://", "redis://", "rediss://", "redis+socket://", "sentinel://")
_CODES = (
    "ace af am an ar ary arz as az ba bcl be bg bn br bs ca crh cs cy da de dz el en eo es et eu "
    "ext fa fi fo fr fuv fy ga gcf gcr gd gl gom grc gu gug guw ha hbo he hi hr ht hu hy id ig is "
    "it ja jv ka kab kik kk km kn ko ku ky la lb lg lij ln lo lt ltg lv mg mk ml mn mr ms mt my ne "
    "nl nn no nso oc om or pa pcm pl ps pt qu ro ru rw sa sdh se si sk sl sn so sq sr st sv sw ta "
    "te tg th tk tl tr tt ug uk ur uz uzs vec vi vo wa wuu xh yo yue zh zu"
)
LANGUAGES: frozenset[str] = frozenset(_CODES.split())
"""The languages that can be distinguished, as ISO 639 codes."""
AMOUNT = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-z]*)")
"""
>>> AMOUNT.fullmatch("20 MiB").groups()
('20', 'MiB')
"""
WEB_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):(?P<port>\d{1,5})")
"""
>>> WEB_ADDRESS.fullmatch("127.0.0.1:8790")["port"]
'8790'
"""
_OF_A_NAME = frozenset(ascii_lowercase + digits + "._-")
_OF_AN_ADDRESS = frozenset(hexdigits + ":")
"""What the name of a server, or its address of version 6, is written with."""
_UNIT_SECONDS = {"": 1, "ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_UNIT_BYTES = {
    "": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9,
    "ki": 2**10, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30,
}  # fmt: skip


class IntervalError(ValueError):
    """A text that should be a length of time is none."""

    def __init__(self, given: object) -> None:
        super().__init__(message_text("interval_invalid", given=given))
        self.given = given


def parse_interval(text: str | float) -> float:
    """Return the seconds that `text` means.

    Raises: IntervalError.

    >>> [parse_interval(each) for each in ("500ms", "90s", "5m", "2h", "1d", "0.5", 60)]
    [0.5, 90.0, 300.0, 7200.0, 86400.0, 0.5, 60.0]
    """
    if isinstance(text, bool):
        raise IntervalError(text)
    match = AMOUNT.fullmatch(str(text).strip())
    if match is None or match["unit"] not in _UNIT_SECONDS:
        raise IntervalError(text)
    seconds = float(match["number"]) * _UNIT_SECONDS[match["unit"]]
    if seconds > LONGEST_INTERVAL:
        raise IntervalError(text)
    return seconds


def parse_size(text: str | int) -> int:
    """Return the bytes that `text` means: `kB` is a thousand, `KiB` is 1,024.

    Raises: ValueError.

    >>> [parse_size(each) for each in ("20 MB", "20MiB", "512k", 4096)]
    [20000000, 20971520, 512000, 4096]
    """
    match = None if isinstance(text, bool) else AMOUNT.fullmatch(str(text).strip())
    unit = match and match["unit"].removesuffix("bytes").removesuffix("B")
    if match is None or unit not in _UNIT_BYTES:
        raise ValueError(f"{text!r} is no size: write 20MB, 512KiB or plain bytes")
    return int(float(match["number"]) * _UNIT_BYTES[unit])


def read_text(raw: Any) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError(f"{raw!r} is no text")
    return raw.strip()


def read_path(raw: Any) -> Path:
    return Path(read_text(raw)).expanduser()


def read_captures(raw: Any) -> str:
    url = read_text(raw)
    capture_place(url)
    return url


def read_broker(raw: Any) -> str:
    address = read_text(raw)
    if not address.startswith(BROKERS):
        known = ", ".join(BROKERS)
        raise ValueError(f"{address!r} is no broker address: it begins with one of {known}")
    if address.count("@") > 1:
        raise ValueError("write an @ in the password of the broker as %40")
    return address


def read_timezone(raw: Any) -> str:
    try:
        return zoneinfo.ZoneInfo(read_text(raw)).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"{raw!r} is no time zone: write a name such as Europe/Berlin or UTC"
        ) from error


def read_languages(raw: Any) -> tuple[str, ...]:
    names = raw if isinstance(raw, list) else read_text(raw).split(",")
    languages = tuple(dict.fromkeys(read_text(name).lower() for name in names))
    for language in languages:
        if language not in LANGUAGES:
            raise ValueError(f"{language!r} is no language we can tell: write codes such as de,en")
    if not languages:
        raise ValueError("name at least one language, such as de,en")
    return languages


def read_interval(raw: Any) -> float:
    """Return how often something is done, in seconds.

    Raises: ValueError.
    """
    seconds = parse_interval(raw)
    if seconds < SMALLEST_EVERY_SECONDS:
        raise ValueError(message_text("interval_short", given=raw, seconds=SMALLEST_EVERY_SECONDS))
    return seconds


def read_size(raw: Any) -> int:
    return _above_zero(parse_size(raw))


def read_count(raw: Any) -> int:
    if isinstance(raw, (bool, float)):
        raise TypeError(f"{raw!r} is no whole number")
    return _above_zero(int(raw))


def read_pace(raw: Any) -> float:
    seconds = parse_interval(raw)
    if seconds < SMALLEST_PACE_SECONDS:
        raise ValueError(f"{raw!r} is too fast: at least {SMALLEST_PACE_SECONDS} s")
    return seconds


def read_contact(raw: Any) -> str:
    contact = read_text(raw)
    if not contact.isascii() or not contact.isprintable() or set("()<>") & set(contact):
        raise ValueError(f"{raw!r} is neither a mail address nor that of a page")
    return contact


def read_mail(raw: Any) -> str:
    address = read_text(raw)
    read_mail_server(address)
    return address


def read_page(raw: Any) -> str:
    address = read_text(raw).rstrip("/")
    if not address.startswith(("https://", "http://")) or not address.isascii():
        raise ValueError(f"{raw!r} is no address such as https://archiv.bote.example")
    return address


def read_page_language(raw: Any) -> str:
    found = read_text(raw).lower()
    if found not in {"en", "de"}:
        raise ValueError(f"{raw!r} is no language of the page: write en or de")
    return found


def read_switch(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    found = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(raw).strip().lower() not in found:
        raise ValueError(f"{raw!r} is neither true nor false")
    return found[str(raw).strip().lower()]


def _split_list(raw: Any) -> tuple[str, ...]:
    listed = raw if isinstance(raw, (list, tuple)) else str(raw).split(",")
    return tuple(str(each).strip() for each in listed if str(each).strip())


def read_own_hosts(raw: Any) -> tuple[str, ...]:
    return tuple(str(read_own_host(each)) for each in _split_list(raw))


def read_web_archives(raw: Any) -> tuple[str, ...]:
    archives = [read_web_archive(each) for each in _split_list(raw)]
    names = Counter((each.name, each.kind in LISTS) for each in archives)
    twice = sorted(name for (name, _lists), n in names.items() if n > 1)
    if twice:
        raise ValueError(f"two web archives have the name {twice[0]!r}")
    return tuple(map(str, archives))


def read_web_archive_keys(raw: Any) -> tuple[str, ...]:
    entries = _split_list(raw)
    archive_keys(entries)
    return entries


def read_file(raw: Any) -> Path:
    path = read_path(raw)
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return path


def read_browser(raw: Any) -> Path:
    """Return a program, or the socket (.sock) of a container, which may not run yet."""
    path = read_path(raw)
    return path if path.suffix == ".sock" else read_file(raw)


def _above_zero(number: int) -> int:
    if number < 1:
        raise ValueError(f"{number} is too small: at least 1")
    return number


def read_web_address(raw: Any) -> str:
    given = read_text(raw)
    match = WEB_ADDRESS.fullmatch(given)
    if match is None or int(match["port"]) > 65535:
        raise ValueError(f"{given!r} is no HOST:PORT, such as 127.0.0.1:8790")
    return given


def read_host_names(raw: Any) -> tuple[str, ...]:
    names = tuple(each.lower().rstrip(".") for each in _split_list(raw))
    for name in names:
        if not (_OF_A_NAME.issuperset(name) or _OF_AN_ADDRESS.issuperset(name)):
            raise ValueError(f"{name!r} is no name of a server")
    return names


def read_networks(raw: Any) -> tuple[str, ...]:
    return tuple(str(ip_network(each)) for each in _split_list(raw))
