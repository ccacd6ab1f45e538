"""Check the file `.env` of the stack before `up` stops anything: names, values, and files.

Compose reads `.env` itself; a value with a variable in it is checked when the services start.
"""

import re
import sys
from pathlib import Path

from storage.settings import PREFIX, SettingsError, load_settings

LINE = re.compile(rf"\s*(?:export\s+)?({PREFIX}\w*)\s*[=:](.*)")
"""
>>> LINE.fullmatch("LESART_PACE = 5s").groups()
('LESART_PACE', ' 5s')
"""
OWN = frozenset(
    {"HOME", "DATABASE_URL", "BROKER_URL", "READER_URL", "SQL_DATABASE_URL", "WEB_ADDRESS", "IMAGE"}
)
"""Settings that the stack makes itself."""
ARCHIVE = "postgresql://postgres/lesart"
FOLDER = Path("/files")


def main(context: Path) -> None:
    """Exit with 2 and a sentence if the settings would not start the services."""
    try:
        env = context / ".env"
        found = read_env(env.read_text("utf-8")) if env.exists() else {}
        for name, value in found.items():
            require_usable(name, value)
        load_settings(environ={f"{PREFIX}DATABASE_URL": ARCHIVE, **found})
    except SettingsError as error:
        sys.exit(f"lesart: {error}")


def read_env(text: str) -> dict[str, str]:
    r"""Return the settings in `text` without those that contain a variable.

    >>> read_env("LESART_PACE='5s'\nWEB_PORT=80\nLESART_CONTACT=a@b.example # us\n#LESART_X=1")
    {'LESART_PACE': '5s', 'LESART_CONTACT': 'a@b.example'}
    """
    found = {}
    for match in filter(None, map(LINE.fullmatch, text.splitlines())):
        value = match[2].strip()
        quote = value[:1] if value[:1] in {"'", '"'} else ""
        value = value[1:].partition(quote)[0] if quote else re.split(r"\s#", value)[0].strip()
        found[match[1]] = "" if "$" in value and quote != "'" else value
    return found


def require_usable(name: str, value: str) -> None:
    """Refuse what the stack sets, and a file in files/ that the services, user 10001, cannot read.

    Raises: SettingsError.
    """
    if name.removeprefix(PREFIX).removesuffix("_FILE") in OWN:
        raise SettingsError(name, "the stack sets it itself: remove it", ".env")
    path = Path(value)
    if FOLDER not in path.parents or not path.is_file():
        return
    mode = path.stat().st_mode & 0o777
    if not mode & 0o004:
        reason = f"the services cannot read files{value.removeprefix('/files')} (mode {mode:04o})"
        raise SettingsError(name, f"{reason}: chmod 0644 it, and protect the folder above", ".env")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
