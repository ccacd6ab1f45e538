"""Check the file `.env` of the stack before `up` stops anything: names, values, and files.

Compose reads `.env` itself; a value with a variable in it is checked when the services start.
"""

import re
import sys
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

from storage.settings import PREFIX, SETTINGS, SettingsError, load_settings
from storage.values.errors import did_you_mean
from storage.values.settings.readers import read_file

LINE = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*[=:][ \t]*("(?:\\.|[^"\\])*"|'[^']*'|.*)""",
    re.MULTILINE,
)
"""
>>> LINE.match("LESART_PACE = 5s").groups()
('LESART_PACE', '5s')
"""
OF_COMPOSE = re.compile(r"(?<!\$)\$\{?([A-Za-z_]\w*)")
"""A variable of a compose file, or of another value."""
OF_OTHERS = re.compile(r"(?:AWS|BUILDKIT|BUILDX|COMPOSE|DOCKER)_\w+|\w+_PROXY", re.IGNORECASE)
"""Names that Docker and the clients of buckets read."""
OWN = frozenset(
    {"HOME", "DATABASE_URL", "BROKER_URL", "READER_URL", "SQL_DATABASE_URL", "WEB_ADDRESS", "IMAGE"}
)
"""Settings that the stack makes itself."""
SERVER_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
ARCHIVE = "postgresql://postgres/lesart"
FOLDER = Path("/files")


def main(context: Path) -> None:
    """Exit with 2 and a sentence if the settings would not start the services."""
    try:
        env = context / ".env"
        text = env.read_text("utf-8") if env.exists() else ""
        found = read_env(text)
        texts = [text, *(each.read_text("utf-8") for each in context.glob("*.y*ml"))]
        known = {name for each in texts for name in OF_COMPOSE.findall(each)}
        for name, value in found.items():
            if name.startswith(PREFIX):
                require_usable(name, value)
            else:
                require_known(name, known)
        require_for_compose(found)
        settings = {name: value for name, value in found.items() if name.startswith(PREFIX)}
        load_settings(environ={f"{PREFIX}DATABASE_URL": ARCHIVE, **settings})
    except SettingsError as error:
        sys.exit(f"lesart: {error}")


def read_env(text: str) -> dict[str, str]:
    r"""Return the variables; one whose value contains another variable is empty.

    >>> read_env("LESART_PACE='5s'\nWEB_PORT=80\nLESART_CONTACT=a@b.example # us\n#LESART_X=1")
    {'LESART_PACE': '5s', 'WEB_PORT': '80', 'LESART_CONTACT': 'a@b.example'}
    """
    found = {}
    for name, given in LINE.findall(text):
        quote = given[:1] if given[:1] in {"'", '"'} else ""
        value = given[1:].partition(quote)[0] if quote else re.split(r"\s#", given)[0].strip()
        found[name] = "" if "$" in value and quote != "'" else value
    return found


def require_known(name: str, known: set[str]) -> None:
    """Refuse a variable that nothing reads. Raises: SettingsError."""
    if name not in known and not OF_OTHERS.fullmatch(name):
        reason = "neither Lesart nor a compose file reads it; "
        reason += f"{did_you_mean(name, known)}correct or remove it"
        raise SettingsError(name, reason, ".env")


def require_usable(name: str, value: str) -> None:
    """Refuse what the stack sets, and a file that the services, user 10001, do not see or read.

    Raises: SettingsError.
    """
    key = name.removeprefix(PREFIX)
    if key.removesuffix("_FILE") in OWN:
        raise SettingsError(name, "the stack sets it itself: remove it", ".env")
    setting, path = SETTINGS.get(key.lower()), Path(value)
    is_secret = key.endswith("_FILE") and key.removesuffix("_FILE").lower() in SETTINGS
    if value and not path.is_file() and (is_secret or (setting and setting.read is read_file)):
        place = path.relative_to(FOLDER) if FOLDER in path.parents else Path(path.name)
        reason = f"there is no file {value}: put it beside docker-compose.yml as files/{place}, and"
        raise SettingsError(name, f"{reason} write {name}={FOLDER / place}", ".env")
    if FOLDER not in path.parents or not path.is_file():
        return
    mode = path.stat().st_mode & 0o777
    if not mode & 0o004:
        reason = f"the services cannot read files{value.removeprefix('/files')} (mode {mode:04o})"
        raise SettingsError(name, f"{reason}: chmod 0644 it, and protect the folder above", ".env")


def require_for_compose(found: Mapping[str, str]) -> None:
    """Refuse a number of workers that is none, and what no certificate can name.

    Raises: SettingsError.

    >>> require_for_compose({"SERVER_NAME": "db.example", "WORKERS": "3"})
    """
    if not (found.get("WORKERS") or "1").isdecimal():
        reason = f"{found['WORKERS']!r} is no number of workers"
        raise SettingsError("WORKERS", reason, ".env")
    value = found.get("SERVER_NAME")
    try:
        if value and not SERVER_NAME.fullmatch(value):
            ip_address(value)
    except ValueError as error:
        reason = f"{value!r} is neither the name of a machine nor an address such as 10.0.0.5"
        raise SettingsError("SERVER_NAME", reason, ".env") from error


if __name__ == "__main__":
    main(Path(sys.argv[1]))
