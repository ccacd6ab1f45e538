"""The room of a browser: namespaces without a network, whose only way out is one socket.

`browser.open_browser` starts this file in new network, process and mount namespaces, with one end
of a socket pair as standard input. The room listens on its own loopback address and passes the
listening socket to its parent, which answers there as a proxy. Then it starts the browser, which
reads and writes DevTools messages on the pair, and ends it when the parent is gone or the memory
is used up. The end of this process, the first of its namespace, is the end of all others.
"""

import ctypes
import fcntl
import json
import os
import resource
import select
import socket
import struct
import sys
from contextlib import suppress

SIOCSIFFLAGS, IFF_UP_RUNNING = 0x8914, 0x41
MS_NOSUID, MS_NODEV = 2, 4
HIDDEN = ("/tmp", "/run", "/var/tmp", "/dev/shm")  # noqa: S108  # empty in the room
"""Folders with sockets and files of others; each is an empty file system in memory."""
WATCH_MS, DEEPEST = 250, 20
MEBIBYTE = 1024 * 1024


def main() -> None:
    """Close the room, start the browser that the parent names, and watch it."""
    pair = socket.socket(fileno=os.dup(0))
    with socket.socket() as plain:
        fcntl.ioctl(plain, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP_RUNNING))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        port = str(listening.getsockname()[1]).encode()
        socket.send_fds(pair, [port], [listening.fileno()])
    order = json.loads(pair.makefile("rb", buffering=0).readline())
    for folder in HIDDEN:
        if os.path.isdir(folder):  # noqa: PTH112  # fewer modules to load
            _mount_memory(folder, order["memory_mb"])
    browser = os.fork()
    if browser == 0:
        _become(order)
    _watch(pair, browser, order["memory_mb"] * MEBIBYTE)


def _mount_memory(folder: str, megabytes: int) -> None:
    options = f"size={megabytes // 2}m,mode=1777".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", folder.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, options):
        sys.exit(f"{folder}: {os.strerror(ctypes.get_errno())}")


def _become(order: dict) -> None:  # type: ignore[type-arg]
    """Become the browser, as a user without rights; standard output and errors go nowhere."""
    os.dup2(0, 3)
    os.dup2(0, 4)
    null = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    if order["user"] is not None:
        os.setgroups([])
        os.setgid(order["user"])
        os.setuid(order["user"])
    os.chdir("/tmp")  # noqa: S108  # that of the room
    os.closerange(5, 256)
    most = order["memory_mb"] * MEBIBYTE * 2 // 3
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    environment = {"HOME": "/tmp", "TMPDIR": "/tmp", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}  # noqa: S108  # the same
    os.execve(order["command"][0], order["command"], environment)  # noqa: S606  # that of the parent


def _watch(pair: socket.socket, browser: int, most_bytes: int) -> None:
    """Wait until the browser ends, its parent is gone, or too much memory is used."""
    poll = select.poll()
    poll.register(pair, select.POLLRDHUP)
    is_running = True
    while is_running and not poll.poll(WATCH_MS) and _used_bytes() <= most_bytes:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                is_running = is_running and ended != browser


def _used_bytes() -> int:
    """Return the memory of all processes of the room without shared pages, and of its files.

    In a container, the list of processes has those of other rooms, too.
    """
    parents, pages = {}, 0
    for name in os.listdir("/proc"):  # noqa: PTH208  # fewer modules
        if name.isdigit():
            with suppress(OSError), open(f"/proc/{name}/stat") as file:  # noqa: PTH123  # fewer modules
                parents[name] = file.read().rpartition(")")[2].split()[1]
    room = os.readlink("/proc/self")  # noqa: PTH115  # fewer modules
    for name in parents:
        ancestor = name
        for _ in range(DEEPEST):
            if ancestor != room:
                ancestor = parents.get(ancestor, "")
        if ancestor == room:
            with suppress(OSError, ValueError), open(f"/proc/{name}/statm") as file:  # noqa: PTH123  # fewer modules
                _size, resident, shared, *_rest = file.read().split()
                pages += int(resident) - int(shared)
    files = os.statvfs("/tmp")  # noqa: S108  # that of the room
    return pages * os.sysconf("SC_PAGE_SIZE") + (files.f_blocks - files.f_bfree) * files.f_frsize


if __name__ == "__main__":
    main()
