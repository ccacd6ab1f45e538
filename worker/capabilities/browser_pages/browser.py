"""Start a browser in a room of its own, and end it with everything in it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from worker.capabilities.browser_pages.devtools import BrowserError, DevTools, EndedError

PROGRAM = "/usr/lib/chromium/chromium"
"""The browser of Debian itself: the program in the path is a script that changes its options."""
ROOM = Path(__file__).with_name("room.py")
NOBODY = 65534
OWN_USER = ("--user", "--map-root-user")
"""The options of `unshare` for users without rights."""
MEMORY_MB = 900
"""Maximum memory of one page with its browser; the container may limit it further."""
START_SECONDS = 20.0
FLAGS = (
    "--headless=new", "--no-first-run", "--no-default-browser-check", "--mute-audio",
    "--hide-scrollbars", "--password-store=basic", "--use-mock-keychain", "--disable-dev-shm-usage",
    "--user-data-dir=/tmp/profile", "--remote-debugging-pipe", "--disable-gpu",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-client-side-phishing-detection", "--disable-quic",
    "--disable-domain-reliability", "--disable-breakpad", "--disable-extensions", "--no-pings",
    "--metrics-recording-only", "--safebrowsing-disable-auto-update", "--no-service-autorun",
    "--dns-prefetch-disable", "--disable-search-engine-choice-screen", "--window-size=1200,1600",
    "--js-flags=--max-old-space-size=256", "--renderer-process-limit=4",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--proxy-bypass-list=<-loopback>", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-features=Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider,"
    "AutofillServerCommunication,PrefetchProxy,NetworkTimeServiceQuerying,HttpsUpgrades,"
    "CertificateTransparencyComponentUpdater,LocalNetworkAccessChecks,SpareRendererForSitePerProcess,"
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup",
)  # fmt: skip
"""Options of the browser; the room closes the network without any of them."""


class NoRoomError(BrowserError):
    """The machine has no browser, or refuses the namespaces that close its network."""


@dataclass(frozen=True, slots=True)
class OpenBrowser:
    """A running browser: its DevTools, and the socket at which its requests come in."""

    tools: DevTools
    listening: socket.socket


@contextmanager
def open_browser(
    program: str | None, digest: str, agent: str, ends_at: float
) -> Iterator[OpenBrowser]:
    """Start a browser that trusts the key with this digest, and end it afterwards.

    Raises: NoRoomError, BrowserError.
    """
    program = program or PROGRAM
    is_elsewhere = program.endswith(".sock")
    with (
        _room_elsewhere(program) if is_elsewhere else _room_here(program) as ours,
        _listening_of(ours) as listening,
    ):
        port = listening.getsockname()[1]
        command = [PROGRAM if is_elsewhere else program, *FLAGS,
                   f"--proxy-server=http://127.0.0.1:{port}", f"--user-agent={agent}",
                   f"--ignore-certificate-errors-spki-list={digest}", "about:blank"]  # fmt: skip
        order = {"command": command, "memory_mb": MEMORY_MB, "user": NOBODY}
        if is_elsewhere or os.getuid() != 0:
            mapped = ["--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
            order |= {"command": [_unshare(), *mapped, *command], "user": None}
        ours.sendall(json.dumps(order).encode() + b"\n")
        opened = OpenBrowser(DevTools(ours, ends_at), listening)
        try:
            opened.tools.call("Browser.getVersion")
        except EndedError as error:
            raise NoRoomError(f"{program} ended at once") from error
        yield opened


@contextmanager
def _room_here(program: str) -> Iterator[socket.socket]:
    """Start a room, and return the socket to it; it ends afterwards, or is killed."""
    if not os.access(program, os.X_OK):
        raise NoRoomError(f"there is no browser {program}")
    ours, theirs = socket.socketpair()
    with theirs:
        room = start_room(theirs, *([] if os.getuid() == 0 else OWN_USER), "--mount-proc")
    try:
        with ours:
            yield ours
    finally:
        with suppress(subprocess.TimeoutExpired):
            room.wait(2.0)
        room.kill()
        room.wait()


def start_room(pair: socket.socket, *options: str) -> "subprocess.Popen[bytes]":
    """Start a room at the other end of a pair; `options` are further ones of `unshare`.

    What it cannot do is written to the pair.
    """
    return subprocess.Popen(  # noqa: S603  # our own file in our own interpreter
        [_unshare(), *options, "--net", "--pid", "--mount", "--ipc", "--fork", "--kill-child",
         sys.executable, "-I", "-S", str(ROOM)],
        stdin=pair.fileno(), stdout=subprocess.DEVNULL, stderr=pair.fileno(), process_group=0,
    )  # fmt: skip


@contextmanager
def _room_elsewhere(path: str) -> Iterator[socket.socket]:
    """Return the socket to a room that the container of the browser starts (`serve_rooms`)."""
    with socket.socket(socket.AF_UNIX) as ours:
        ours.settimeout(START_SECONDS)
        try:
            ours.connect(path)
        except OSError as error:
            raise NoRoomError(f"no browser answers at {path}: {error.strerror}") from error
        yield ours


def _unshare() -> str:
    found = shutil.which("unshare")
    if found is None:
        raise NoRoomError("the program unshare (util-linux) is missing")
    return found


def _listening_of(ours: socket.socket) -> socket.socket:
    """Return the socket at which the room listens."""
    ours.settimeout(START_SECONDS)
    try:
        reason, numbers, _flags, _address = socket.recv_fds(ours, 4096, 1)
        while not numbers and (piece := ours.recv(4096)):
            reason += piece
    except OSError as error:
        raise BrowserError("the room of the browser did not start in time") from error
    if not numbers:
        last = reason.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise NoRoomError(f"the machine refuses namespaces: {''.join(last)}")
    return socket.socket(fileno=numbers[0])


def room_reason(program: str | None) -> str | None:
    """Return why no browser can be started here; None if one starts and answers."""
    try:
        with open_browser(program, "", "", time.monotonic() + START_SECONDS):
            return None
    except BrowserError as error:
        return str(error)
