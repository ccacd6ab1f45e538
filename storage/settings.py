"""The settings, the origin of each value, and the messages for wrong ones.

Read once by an entry point and handed on. A command line beats the environment, the environment
beats the TOML file, the file beats the default.
"""

import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from storage.values.errors import did_you_mean
from storage.values.lazy import LazyModule
from storage.values.net.capture_place import CapturePlace, capture_place
from storage.values.net.web_archive import PUBLIC
from storage.values.settings.readers import (
    parse_size,
    read_broker,
    read_browser,
    read_captures,
    read_contact,
    read_count,
    read_file,
    read_host_names,
    read_interval,
    read_languages,
    read_mail,
    read_networks,
    read_own_hosts,
    read_pace,
    read_page,
    read_page_language,
    read_path,
    read_size,
    read_switch,
    read_text,
    read_timezone,
    read_web_address,
    read_web_archive_keys,
    read_web_archives,
)

if TYPE_CHECKING:
    import zoneinfo
    from zoneinfo import ZoneInfo

    from storage.database import archive_errors
    from storage.database import engine as engines
    from storage.database.servers import hosts
else:
    zoneinfo = LazyModule("zoneinfo")
    archive_errors = LazyModule("storage.database.archive_errors")
    engines = LazyModule("storage.database.engine")
    hosts = LazyModule("storage.database.servers.hosts")

PREFIX = "LESART_"
DEFAULT_CONFIG = "lesart.toml"
DATABASE_NAME = "lesart.sqlite3"
PROOF_KEY_NAME = "proof.key"

IMAGE = "LESART_IMAGE"
"""The variable that the image sets: this program runs in a container."""
NOT_SETTINGS: frozenset[str] = frozenset({IMAGE, "LESART_FAIL", "LESART_REAL_DATA"})
"""Names in the environment that are no settings: fault points, the mark of the image, test data."""
NOT_SETTINGS_PREFIX = "LESART_TEST_"


PASSWORD = re.compile(
    r"(\b(?:postgres\w{0,20}(?:\+\w{1,20})?|rediss?|amqps?|smtps?)://[^/@\s]{0,200}?:).{0,2000}(?=@)"
    r"|(://[^/@\s]*?:)[^/\s]*(?=@)|([?&](?:password|sslpassword|passfile)=)[^&\s]*"
)
"""
>>> PASSWORD.sub(r"\\1\\2\\3***", "postgresql:///lesart?host=db&password=geheim")
'postgresql:///lesart?host=db&password=***'
"""


class SettingsError(Exception):
    """A setting is unknown or wrong; the program does not start.

    `origin` is where the value comes from, such as LESART_PACE or lesart.toml.
    """

    def __init__(self, key: str, reason: str, origin: str | None = None) -> None:
        where = "" if origin is None else f" ({origin})"
        super().__init__(f"setting {key}{where}: {reason}")
        self.key = key
        self.reason = reason


class ConfigFileError(SettingsError):
    """The file with settings cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super(SettingsError, self).__init__(f"the file with settings {path}: {reason}")
        self.key, self.reason = str(path), reason


# ------------------------------------------------------------------------- how values are read


@dataclass(frozen=True, slots=True)
class Setting:
    """How a setting is read, its default value, and its meaning.

    `is_path`: a relative one in a TOML file counts from the folder of that file.
    """

    read: Callable[[Any], Any]
    default: Any
    meaning: str
    is_path: bool = False
    is_secret: bool = False


def setting(read: Callable[[Any], Any], default: Any, meaning: str, **more: bool) -> Any:
    """Declare a setting as the default of its field."""
    return field(metadata={"setting": Setting(read, default, meaning, **more)})


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked; `origins` says for each where its value came from.

    Names end in their unit; `every` is in seconds.
    """

    home: Path = setting(read_path, "./lesart-data", "folder for the data of Lesart", is_path=True)
    database_url: str = setting(
        read_text,
        None,
        "the archive: a path, sqlite:///PATH or postgresql://USER@HOST/NAME "
        f"(default: {DATABASE_NAME} in LESART_HOME)",
        is_path=True,
    )
    captures_url: str | None = setting(
        read_captures,
        None,
        "storage for captured bytes: s3://BUCKET/PREFIX?endpoint=…&region=… or file:///DIR "
        "(default: the database)",
    )
    captures_key: str | None = setting(
        read_text,
        None,
        "access key of the bucket (default: the usual AWS variables, profiles and roles)",
    )
    captures_secret: str | None = setting(
        read_text, None, "secret key of the bucket", is_secret=True
    )
    broker_url: str = setting(
        read_broker, "memory://", "message broker: memory:// (embedded) or redis://…"
    )
    seeds: Path = setting(
        read_path, "./seeds", "folder that the default source watches", is_path=True
    )
    timezone: str = setting(
        read_timezone,
        "UTC",
        "time zone of schedules, of displayed times, and of times without a zone",
    )
    languages: tuple[str, ...] = setting(read_languages, "de,en", "expected languages of the texts")
    every: float = setting(read_interval, "60s", "interval between scans of the default source")
    worker_folders: bool = setting(
        read_switch,
        "true",
        "read files and folders on this machine; false where it does not share those of the "
        "sources",
    )
    browser: Path | None = setting(
        read_browser,
        None,
        "program that reads pages for --browser (default: /usr/lib/chromium/chromium), or the "
        "socket of its container (.sock); workers of a broker read such pages only if it is set",
        is_path=True,
    )
    consent: Path | None = setting(
        read_path,
        None,
        "folder of the npm package @duckduckgo/autoconsent, which rejects requests for consent in "
        "pages that a browser reads (default: none is rejected)",
        is_path=True,
    )
    pictures: int | None = setting(
        read_size,
        None,
        "maximum size of the pictures of articles that are requested in a day, such as 500MB "
        "(default: none are requested)",
    )
    browser_resources: int = setting(
        parse_size,
        "200MB",
        "maximum size of new resources that are stored in a day with pages that a browser reads; "
        "with 0, none are stored",
    )
    batch_items: int = setting(read_count, 200, "maximum number of documents per job")
    document_seconds: float = setting(
        read_interval, "2s", "maximum processor time for reading one document"
    )
    batch_seconds: float = setting(read_interval, "60s", "maximum time for one run of a job")
    lease_seconds: float = setting(
        read_interval, "90s", "time after which a job without progress counts as abandoned"
    )
    confirm_after: float = setting(
        read_interval,
        "30m",
        "time after which a check that agrees confirms a text or missing files held back",
    )
    document_memory_mb: int = setting(
        read_count, 1024, "maximum memory for reading one page, in MiB"
    )
    max_document_bytes: int = setting(read_size, "20MiB", "maximum size of a document")
    max_list_bytes: int = setting(read_size, "50MiB", "maximum size of a JSON list of documents")
    max_container_bytes: int = setting(
        read_size, "1GB", "maximum size of a container, packed and unpacked"
    )
    max_container_entries: int = setting(
        read_count, 100_000, "maximum number of members of a container"
    )
    max_container_rows: int = setting(
        read_count, 20_000, "maximum number of rows of a table, or of records of a JSON list"
    )
    max_web_archive_bytes: int = setting(
        read_size, "50GB", "maximum size of a WARC or WACZ file, packed and unpacked"
    )
    contact: str | None = setting(
        read_contact, None, "your e-mail or web address, sent to web servers with each request"
    )
    pace: float = setting(read_pace, "2s", "pause between two requests to one server")
    fetch_seconds: float = setting(
        read_interval, "60s", "maximum time for the check of one address"
    )
    fetch_hosts: int = setting(
        read_count, 32, "number of servers that one job requests in parallel"
    )
    robots_strict: bool = setting(
        read_switch, "false", "treat a robots.txt with status 401 or 403 as a prohibition"
    )
    allow_hosts: tuple[str, ...] = setting(
        read_own_hosts,
        "",
        "private servers that may be fetched: HOST:PORT=ADDRESS[:PORT], …",
    )
    ca_file: Path | None = setting(
        read_file,
        None,
        "additional trusted certificates (PEM) for the servers in LESART_ALLOW_HOSTS",
        is_path=True,
    )
    web_archives: tuple[str, ...] = setting(
        read_web_archives,
        ", ".join(PUBLIC),
        "web archives for --history: NAME=cdx INDEX CAPTURE or NAME=timemap ADDRESS, …; "
        "for --copy-to: NAME=spn2 ADDRESS MEMENTO or NAME=submit ADDRESS",
    )
    web_archive_keys: tuple[str, ...] | None = setting(
        read_web_archive_keys,
        None,
        "keys of web archives for --copy-to: NAME=KEY, …",
        is_secret=True,
    )
    reader_url: str | None = setting(
        read_text, None, "the same archive with a read-only role, used by the web server"
    )
    reader_database_url: str | None = setting(
        read_text,
        None,
        "replicas of a PostgreSQL archive, for the web server, assistants and reading commands: "
        "postgresql://USER@HOST1,HOST2/NAME (default: none)",
    )
    sql_database_url: str | None = setting(
        read_text,
        None,
        "the same PostgreSQL archive with the role for SQL (lesart_reader), for `lesart sql` and "
        "assistants (default: none)",
    )
    web_address: str = setting(
        read_web_address, "127.0.0.1:8790", "address of the web server: HOST:PORT"
    )
    web_hosts: tuple[str, ...] = setting(
        read_host_names, "", "host names of the web server, in addition to localhost and 127.0.0.1"
    )
    web_proxies: tuple[str, ...] = setting(
        read_networks, "", "addresses or networks of the reverse proxies in front of the web server"
    )
    web_workers: int | None = setting(
        read_count, None, "number of web server processes (default: one per CPU, at most 4)"
    )
    proof_key: Path | None = setting(
        read_path,
        None,
        "file of the key that signs checkpoints of the log (default: proof.key in LESART_HOME)",
        is_path=True,
    )
    retain_captures: float | None = setting(
        read_interval,
        None,
        "time after which captured bytes with an extracted text are deleted (default: never); of a "
        "pause of the archive, at most three days count",
    )
    retain_jobs: float = setting(
        read_interval,
        "30d",
        "time after which jobs of the schedule that found nothing new are removed; of a pause of "
        "the archive, at most three days count",
    )
    proof_every: float = setting(
        read_interval, "1h", "minimum interval between two signed checkpoints of the log"
    )
    proof_witnesses: Path | None = setting(
        read_file,
        None,
        "policy file (C2SP tlog-policy) with the witnesses and the required number of cosignatures",
        is_path=True,
    )
    proof_tiles: Path | None = setting(
        read_path,
        None,
        "folder in which the log is published as files for any web server",
        is_path=True,
    )
    proof_authorities: Path | None = setting(
        read_file,
        None,
        "file with the time-stamping authorities (RFC 3161) and calendars to request",
        is_path=True,
    )
    mail_url: str | None = setting(
        read_mail,
        None,
        "mail server for alerts: smtp://USER:PASSWORD@HOST:PORT/?from=ADDRESS",
    )
    page_url: str | None = setting(
        read_page,
        None,
        "public address of the web server, for links in alerts "
        "(default: http:// and LESART_WEB_ADDRESS)",
    )
    page_language: str = setting(
        read_page_language,
        "en",
        "language of mails, and of pages if the browser requests none: en or de",
    )
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def has_browser(self) -> bool:
        """Check whether this process reads pages by a browser."""
        return self.browser is not None or self.is_embedded

    @property
    def zone(self) -> "ZoneInfo":
        """Return the zone for times that name none, and for schedules."""
        return zoneinfo.ZoneInfo(self.timezone)

    @property
    def proof_key_file(self) -> Path:
        """Return where the key that signs checkpoints is, or would be."""
        return self.proof_key or self.home / PROOF_KEY_NAME

    @property
    def page_base(self) -> str:
        """Return the address that links to the page begin with."""
        return self.page_url or f"http://{self.web_address}"

    @property
    def is_embedded(self) -> bool:
        """True where messages stay inside this process and no broker is needed."""
        return self.broker_url.startswith("memory://")

    @property
    def captures(self) -> CapturePlace | None:
        """Return where the bytes of captures lie; None where that is the database."""
        if self.captures_url is None:
            return None
        return capture_place(self.captures_url, self.captures_key, self.captures_secret)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield one row for each setting: key, value without secrets, where it came from."""
        for key, each in SETTINGS.items():
            yield {
                "key": key,
                "value": _plain(each, getattr(self, key)),
                "found_in": self.origins.get(key, "default"),
                "meaning": each.meaning,
            }


SETTINGS: dict[str, Setting] = {
    each.name: each.metadata["setting"] for each in fields(Settings) if each.metadata
}
"""Every setting by its key, in the order in which `lesart config` lists them."""


def load_settings(
    *,
    config: Path | None = None,
    archive: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings from the command line, the environment and a TOML file.

    `config` names the file (it must be there; without it `lesart.toml` is read if it is there),
    `archive` a path or an address that wins over `database_url`, whose replicas are not its own.
    Raises: SettingsError, which names the key.
    """
    given = _from_toml(config) | _from_environment(os.environ if environ is None else environ)
    if archive is not None:
        given["database_url"] = (archive, "--archive")
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for key, each in SETTINGS.items():
        raw, origins[key] = given.get(key, (each.default, "default"))
        values[key] = _read(key, raw, origins[key])
    values["database_url"] = _archive_address(values["database_url"], values["home"])
    for key in ("reader_database_url", "sql_database_url"):
        given_url = None if archive is not None else values[key]
        values[key] = _check_replica_address(key, given_url, values["database_url"])
    settings = Settings(**values, origins=MappingProxyType(origins))
    _check_together(settings)
    return settings


def hide_secrets(text: str) -> str:
    """Return `text` with the passwords in addresses hidden.

    >>> hide_secrets("postgresql://lesart:geheim@db/lesart")
    'postgresql://lesart:***@db/lesart'
    """
    return PASSWORD.sub(r"\1\2\3***", text)


# -------------------------------------------------------------------- where the values come from


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    """Return what the environment sets; an empty variable counts as not set."""
    found: dict[str, tuple[Any, str]] = {}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or _is_no_setting(name):
            continue
        key, is_file = _key_of(name.removeprefix(PREFIX).lower(), name)
        if environ[name] == "":
            continue
        if key in found:
            raise SettingsError(f"{PREFIX}{key.upper()}", f"it and {name} are both set: keep one")
        if is_file:
            found[key] = (_content(Path(environ[name]), name), f"{name} ({environ[name]})")
        else:
            found[key] = (environ[name], name)
    return found


def _is_no_setting(name: str) -> bool:
    return name in NOT_SETTINGS or name.startswith(NOT_SETTINGS_PREFIX)


def _from_toml(config: Path | None) -> dict[str, tuple[Any, str]]:
    path = config or Path(DEFAULT_CONFIG)
    if config is None and not os.path.lexists(path):
        return {}
    found: dict[str, tuple[Any, str]] = {}
    for name, value in _toml(path).items():
        key, is_file = _key_of(name, f"{name} in {path}")
        if key in found:
            raise SettingsError(key, f"{path} sets it twice, once by a file: keep one")
        if is_file:
            content = _content(path.parent / str(value), f"{name} in {path}")
            found[key] = (content, f"{path} ({value})")
        else:
            found[key] = (_resolve_path(path, key, value), str(path))
    return found


def _resolve_path(path: Path, key: str, value: Any) -> Any:
    is_relative = SETTINGS[key].is_path and isinstance(value, str) and "://" not in value
    return str(path.parent / Path(value).expanduser()) if is_relative else value


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigFileError(path, f"it cannot be read: {_explain_failure(error)}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigFileError(path, f"it is no TOML: {error}") from error


def _key_of(name: str, text: str) -> tuple[str, bool]:
    """Return the key that `name` sets and whether it names a file that holds the value."""
    if name in SETTINGS:
        return name, False
    if name.endswith("_file") and name.removesuffix("_file") in SETTINGS:
        return name.removesuffix("_file"), True
    similar = did_you_mean(name, SETTINGS).strip() or f"there are {', '.join(SETTINGS)}"
    raise SettingsError(text, f"there is no such setting; {similar}")


def _content(path: Path, text: str) -> str:
    try:
        content = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            text, f"the file {path} cannot be read: {_explain_failure(error)}"
        ) from error
    if not content:
        raise SettingsError(text, f"the file {path} is empty")
    return content


def _explain_failure(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, FileNotFoundError):
        start = "; start the stack first: docker compose up --wait" if IMAGE in os.environ else ""
        return f"there is no such file{start}"
    if isinstance(error, PermissionError):
        with suppress(OSError):
            mode = Path(error.filename).stat().st_mode & 0o777
            return f"its mode is {mode:04o}, and this program is user {os.getuid()}"
    return str(error)


def _read(key: str, raw: Any, origin: str) -> Any:
    try:
        return None if raw is None else SETTINGS[key].read(raw)
    except (ValueError, TypeError) as error:
        raise SettingsError(key, hide_secrets(str(error)), origin) from error


def _archive_address(text: str | None, home: Path) -> str:
    """Return the address of the archive; a folder means the default file in it."""
    address = str(home / DATABASE_NAME) if text is None else text
    if "://" not in address:
        path = Path(address).expanduser()
        return str(path / DATABASE_NAME if path.is_dir() else path)
    return _check_address("database_url", address)


def _check_address(key: str, address: str) -> str:
    try:
        engines.database_url(address)
    except archive_errors.DatabaseUrlError as error:
        raise SettingsError(key, hide_secrets(str(error))) from error
    return address


def _check_replica_address(key: str, address: str | None, archive: str) -> str | None:
    """Return another address of the archive; that of replicas prefers them unless it says more."""
    if address is None:
        return None
    is_replicas = key == "reader_database_url"
    for name, each in ((key, address), ("database_url", archive)):
        if not each.startswith("postgres"):
            what = "replicas" if is_replicas else "roles"
            reason = f"only PostgreSQL has {what}, and {name} is {hide_secrets(each)}: unset it"
            raise SettingsError(key, reason)
    _check_address(key, address)
    return hosts.preferring_replicas(address) if is_replicas else address


def _check_together(settings: Settings) -> None:
    """Check that a document ends before its batch, and a batch before its lease."""
    order = ("document_seconds", "batch_seconds", "lease_seconds")
    for shorter, longer in pairwise(order):
        if getattr(settings, shorter) >= getattr(settings, longer):
            raise SettingsError(shorter, f"it must be less than {longer}")
    has_key, has_secret = settings.captures_key is not None, settings.captures_secret is not None
    if settings.captures_url is not None and has_key is not has_secret:
        missing = "captures_secret" if has_key else "captures_key"
        raise SettingsError(missing, "a key and its secret go together")


def _plain(told: Setting, value: Any) -> Any:
    if told.is_secret and value is not None:
        return "***"
    if isinstance(value, tuple):
        return ",".join(value)
    return hide_secrets(str(value)) if isinstance(value, (str, Path)) else value
