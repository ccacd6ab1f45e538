"""Identity of a process in claims: machine, boot, process id and start time."""

import os
import secrets
import socket
from functools import cache
from pathlib import Path


def process_identity() -> str:
    """Return the identity of this process for claims: machine, process id and start time."""
    return f"{socket.gethostname()}/{_boot()}/{os.getpid()}/{_start_ticks(os.getpid())}"


def new_token(holder: str | None = None) -> str:
    """Return a new token for a claim of the process `holder` (default: this one)."""
    return f"{holder or process_identity()}#{secrets.token_hex(16)}"


def is_dead(holder: str) -> bool:
    """Check whether the process of a claim is known to have ended: same machine, no such
    process.
    """
    machine, _, rest = holder.partition("/")
    boot, _, rest = rest.partition("/")
    number, _, started = rest.partition("/")
    if (machine, boot) != (socket.gethostname(), _boot()) or not number.isdigit():
        return False
    return _start_ticks(int(number)) != started


def identity_in_token(token: str) -> str:
    """Return the process identity in the token of a claim.

    >>> identity_in_token("desk/1a2b/42/777#c0ffee")
    'desk/1a2b/42/777'
    """
    return token.rpartition("#")[0]


@cache
def _boot() -> str:
    """Return an id of this boot of the machine, and of this container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot[:8]}-{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return "unknown"


def _start_ticks(number: int) -> str:
    """Return when a process was started, in ticks since boot; empty if it does not exist."""
    try:
        status = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = status.rpartition(")")[2].split()
    return "" if fields[0] in {"Z", "X"} else fields[19]
