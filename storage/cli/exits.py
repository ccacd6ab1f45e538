"""How a command ends: its exit code, one sentence on standard error, details where they help."""

import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import typer

from storage.cli.output import (
    OutputError,
    PipeClosedError,
    UnwritableError,
    is_lost_with_container,
    silence_output,
)
from storage.read.render.moment import MomentError
from storage.read.render.visible import one_line
from storage.read.revision import RevisionError
from storage.settings import IntervalError, SettingsError, hide_secrets, load_settings
from storage.values.failures import driver_error, remedy_for

WELL = 0
NO = 1
WRONG_USE = 2
NO_SUCH = 3
UNCHECKED = 4
INTERNAL = 70
INTERRUPTED = 130

ERROR_LOG = "errors.log"


class InterruptionError(Exception):
    """The user interrupted a command that can be continued; the text says how."""


ExitCodes = Mapping[type[BaseException], int]
NO_FURTHER: ExitCodes = MappingProxyType({})

_OWN: ExitCodes = {
    SettingsError: WRONG_USE,
    MomentError: WRONG_USE,
    IntervalError: WRONG_USE,
    RevisionError: WRONG_USE,
    OutputError: WRONG_USE,
    UnwritableError: UNCHECKED,
    InterruptionError: INTERRUPTED,
}
OF_ARCHIVES = (
    ("storage.values.errors", "NoSuchError", NO_SUCH),
    ("storage.values.errors", "AmbiguousError", NO_SUCH),
    ("storage.values.errors", "RedactedError", NO),
    ("storage.values.errors", "RestrictedError", NO),
    ("storage.database.rows", "CursorError", WRONG_USE),
    ("storage.read.sql", "QueryError", WRONG_USE),
    ("storage.database.compression", "DamagedBytesError", NO),
    ("storage.verify.verify", "PlaceError", WRONG_USE),
    ("storage.proof.checkpoints", "ProofKeyError", WRONG_USE),
    ("storage.proof.note", "NoteError", WRONG_USE),
    ("storage.proof.policy", "PolicyError", WRONG_USE),
    ("storage.cli.open_page", "PageUnreachableError", UNCHECKED),
    ("storage.database.engine", "ArchiveMissingError", NO_SUCH),
    ("storage.database.engine", "ArchiveUnreachableError", UNCHECKED),
    ("storage.database.engine", "ArchiveDamagedError", UNCHECKED),
    ("storage.database.engine", "ArchiveError", WRONG_USE),
)
"""Errors by the module that raises them, and how a command ends; loading all takes a second."""

_PASSWORD_REASONS = ("no password supplied", "password authentication failed")
_BUSY_REASON = "statement timeout"


def run(
    app: typer.Typer,
    arguments: Sequence[str] | None = None,
    *,
    exit_codes: ExitCodes = NO_FURTHER,
) -> int:
    """Run the command that `arguments` name and return its exit code; nothing gets past this.

    `exit_codes` says how errors end that only the caller knows. Errors are told as one sentence
    on standard error; what nobody expected goes, with its trace, to a log.
    """
    open_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    _speak_utf8()
    try:
        command = typer.main.get_command(only_named(app, given))
        answer = command(given, prog_name="lesart", standalone_mode=False)
    except SystemExit as ended:
        return _after_exit(ended)
    except (KeyboardInterrupt, typer.Abort):
        answer = INTERRUPTED
    except typer.TyperException as error:
        return _report_wrong_use(error)
    except Exception as error:  # noqa: BLE001  # the last place: no trace reaches a user
        return _report(error, given, exit_codes)
    if answer == INTERRUPTED:
        say("interrupted")
    return answer if isinstance(answer, int) else WELL


def only_named(app: typer.Typer, given: Sequence[str]) -> typer.Typer:
    """Return the program with no more than the command, or the group, that stands first.

    Typer makes each command out of its function's signature: of sixty, one is needed.
    """
    only = copy(app)
    only.registered_commands = [each for each in app.registered_commands if each.name in given[:1]]
    only.registered_groups = [each for each in app.registered_groups if each.name in given[:1]]
    return only if only.registered_commands or only.registered_groups else app


def open_streams() -> None:
    """Put something in the place of standard streams that are closed.

    Else the next file that is opened, such as an archive, would get their number. What is written
    to a closed standard output fails, as it should; messages go nowhere.
    """
    for name, number, how in (
        ("stdin", os.O_RDONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w")
    ):  # fmt: skip
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, number)
            setattr(sys, name, os.fdopen(handle, how, encoding="utf-8"))


def say(sentence: str) -> None:
    """Write one message to standard error; secrets and terminal commands stay out of it."""
    with suppress(OSError, ValueError):
        sys.stderr.write(f"lesart: {one_line(hide_secrets(sentence))}\n")
        sys.stderr.flush()


def exit_code_of(error: Exception, exit_codes: ExitCodes = NO_FURTHER) -> int | None:
    """Return how a command ends that raised `error`, or None where nobody expected it."""
    for known in (exit_codes, _OWN, _of_archives()):
        for kind in type(error).__mro__:
            if kind in known:
                return _narrowed(error, known[kind])
    if isinstance(error, OSError):
        return UNCHECKED if remedy_for(error) is not None else None
    return _of_databases(error)


def _report_wrong_use(error: typer.TyperException) -> int:
    """Let Typer tell in its own words what it did not understand."""
    show = getattr(error, "show", None)
    if show is None:
        say(error.format_message())
    else:
        with suppress(OSError):
            show()
    return WRONG_USE


def _report(error: Exception, given: Sequence[str], exit_codes: ExitCodes) -> int:
    if isinstance(error, PipeClosedError):
        return WELL
    if isinstance(error, OSError):
        silence_output()  # Typer may have written what it holds
    code = exit_code_of(error, exit_codes)
    if "--debug" in given:
        traceback.print_exception(error)
    if code is None:
        where = "above" if "--debug" in given else _keep_details(error, given)
        say(f"an internal error ({type(error).__name__}); the details are {where}")
        return INTERNAL
    say(_sentence(error))
    return code


def _sentence(error: Exception) -> str:
    """Return what went wrong, and what to do, without the statement that SQLAlchemy adds."""
    origin = driver_error(error)
    mend = remedy_for(error)
    if origin is not None:
        sentence = f"the database says: {str(origin).strip().partition(chr(10))[0]}"
    elif isinstance(error, OSError) and mend is not None:
        where = f"{error.filename}: " if error.filename is not None else ""
        sentence = f"{where}{error.strerror}"
    else:
        return str(error)
    return f"{sentence}; {mend}" if mend is not None else sentence


def _of_archives() -> ExitCodes:
    """Return how the errors of the modules that are loaded end: others cannot have raised any."""
    return {
        getattr(sys.modules[module], name): code
        for module, name, code in OF_ARCHIVES
        if module in sys.modules
    }


def _narrowed(error: Exception, code: int) -> int:
    """Return `code`, but wrong use where a database is there and the password is what is wrong."""
    is_password = code == UNCHECKED and any(each in str(error) for each in _PASSWORD_REASONS)
    return WRONG_USE if is_password else code


def _of_databases(error: Exception) -> int | None:
    said = driver_error(error)
    if said is None:
        return None
    reason = str(said).lower()
    if getattr(said, "sqlstate", None) == "42501" or "not a database" in reason:
        return WRONG_USE
    is_cut = getattr(error, "connection_invalidated", False)
    is_cut = is_cut or "connect" in reason or "resolve host" in reason
    is_away = is_cut or remedy_for(error) is not None
    return UNCHECKED if is_away or "malformed" in reason or _BUSY_REASON in reason else None


def _keep_details(error: Exception, given: Sequence[str]) -> str:
    """Append the trace to a log in the home folder, or print it; return where it is.

    In a container whose home folder does not last it is printed, so that the engine keeps it.
    """
    trace = "".join(traceback.format_exception(error))
    report = hide_secrets(f"{datetime.now(UTC).isoformat()} lesart {' '.join(given)}\n{trace}\n")
    with suppress(OSError, SettingsError):
        log = load_settings().home / ERROR_LOG
        if not is_lost_with_container(log.parent):
            _append(log, report)
            return f"in {log}"
    with suppress(OSError):
        sys.stderr.write(report)
    return "above"


def _append(log: Path, report: str) -> None:
    """Write to `log` in a folder that is there already: reading makes none."""
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(report)


def _after_exit(ended: SystemExit) -> int:
    """Return the code of an exit; Typer's own for a closed pipe is none of ours."""
    if isinstance(ended.__context__, BrokenPipeError):
        silence_output()
        return WELL
    return ended.code if isinstance(ended.code, int) else WELL


def _speak_utf8() -> None:
    """Let both streams write UTF-8 whatever the locale says; odd file names come out escaped."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")
