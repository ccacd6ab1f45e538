"""Programs for network namespaces: a network in which each way of a page shows, and a counter of packets.

`python -m tests.capabilities.browser_pages.open_network` starts a browser without a room in a
namespace of its own, whose only name server is here, and prints the names that it looked up.
"""

import json
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import trustme

from worker.capabilities.browser_pages.browser import PROGRAM
from worker.capabilities.browser_pages.devtools import BrowserError, DevTools

ADDRESS = "10.9.9.1"
SECONDS = 60.0
WAYS = {
    "reporting.example": "Reporting API",
    "favicon.example": "favicon",
    "manifest.example": "manifest",
    "preconnect.example": "preconnect",
    "dnsprefetch.example": "dns-prefetch",
    "turn.example": "TURN over TCP",
    "hints.example": "early hints of HTTP/2",
    "connectivitycheck.gstatic.com": "captive portal",
    "wpad": "WPAD",
}
HEADERS = {
    "content-type": "text/html",
    "reporting-endpoints": 'd="https://reporting.example/r"',
    "content-security-policy": "style-src-attr 'none'; report-to d",
}
HINT = "<https://hints.example/x.js>; rel=preload; as=script"
PAGE = """<!doctype html><title>x</title>
<link rel=icon href=https://favicon.example/i><link rel=manifest href=https://manifest.example/m>
<link rel=preconnect href=https://preconnect.example>
<link rel=dns-prefetch href=//dnsprefetch.example>
<p style="color:red"><script>p = new RTCPeerConnection({iceServers: [{urls: 'turn:turn.example:3478?transport=tcp',
  username: 'u', credential: 'c'}]})
p.createDataChannel('x'); p.createOffer().then(o => p.setLocalDescription(o))
window.open('https://captive.example:444/')</script>"""
"""A page with the ways to a server that show only with a name server, TLS or HTTP/2."""


def main() -> None:
    """Load the page, and print the ways that the browser took."""
    for words in (
        "link set lo up", "link add v0 type veth peer name v1", f"addr add {ADDRESS}/24 dev v0",
        "link set v0 up", "link set v1 up",
    ):  # fmt: skip
        subprocess.run(["ip", *words.split()], check=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "resolv.conf"
        place.write_text(f"nameserver {ADDRESS}\n")
        subprocess.run(["mount", "--bind", place, "/etc/resolv.conf"], check=True)
        names: set[str] = set()
        threading.Thread(target=_answer_names, args=(names,), daemon=True).start()
        ca = trustme.CA()
        leaf = ca.issue_cert("hostile.example")
        _serve(443, leaf)
        _serve(444, ca.issue_cert("captive.example"))
        _load(Path(folder), leaf, names)
        sys.stdout.write(json.dumps(sorted(names)))


def _answer_names(names: set[str]) -> None:
    """Answer each question for an address with our own one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((ADDRESS, 53))
        while True:
            asked, client = server.recvfrom(2048)
            labels, place = [], 12
            while asked[place]:
                labels.append(asked[place + 1 : place + 1 + asked[place]].decode())
                place += 1 + asked[place]
            names.add(".".join(labels))
            question = asked[12 : place + 5]
            is_plain = question[-4:-2] == b"\0\1"
            found = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(ADDRESS) if is_plain else b""
            count = b"\0\1" if is_plain else b"\0\0"
            head = asked[:2] + b"\x81\x80\0\1" + count + b"\0\0\0\0"
            server.sendto(head + question + found, client)


def _serve(port: int, leaf: trustme.LeafCert) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    context.set_alpn_protocols(["h2"])
    listening = socket.create_server((ADDRESS, port))

    def accept() -> None:
        while True:
            plain, _ = listening.accept()
            threading.Thread(target=_answer, args=(context, plain), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def _answer(context: ssl.SSLContext, plain: socket.socket) -> None:
    """Answer each stream of HTTP/2 with early hints and the page."""
    with suppress(OSError), context.wrap_socket(plain, server_side=True) as pair:
        stream = pair.makefile("rb")
        stream.read(24)
        pair.sendall(_frame(4, 0, 0, b""))
        while head := stream.read(9):
            kind, number = head[3], int.from_bytes(head[5:9])
            stream.read(int.from_bytes(head[:3]))
            if kind == 4 and not head[4]:
                pair.sendall(_frame(4, 1, 0, b""))
            elif kind == 1:
                pair.sendall(_frame(1, 4, number, _block({":status": "103", "link": HINT})))
                time.sleep(0.2)
                pair.sendall(_frame(1, 4, number, _block({":status": "200", **HEADERS})))
                pair.sendall(_frame(0, 1, number, PAGE.encode()))


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + content


def _block(headers: dict[str, str]) -> bytes:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return b"".join(b"\0" + bytes([len(n)]) + n + bytes([len(v)]) + v for n, v in pairs)


def _load(folder: Path, leaf: trustme.LeafCert, names: set[str]) -> None:
    ours, theirs = socket.socketpair()
    digest = _digest(leaf)
    command = [
        PROGRAM, "--headless=new", "--no-sandbox", f"--user-data-dir={folder}/profile",
        "--remote-debugging-pipe", "--proxy-auto-detect", "--short-reporting-delay",
        f"--ignore-certificate-errors-spki-list={digest}", "--disable-features="
        "LocalNetworkAccessChecks,LocalNetworkAccessChecksWebRTC", "about:blank",
    ]  # fmt: skip
    shell = ["sh", "-c", 'exec "$@" 3<&0 4>&0 </dev/null', "-", *command]
    with subprocess.Popen(shell, stdin=theirs, stderr=subprocess.DEVNULL) as browser:
        theirs.close()
        end = time.monotonic() + SECONDS
        tools = DevTools(ours, end + SECONDS)
        tools.call("Browser.getVersion", seconds=SECONDS)
        portal = "connectivitycheck.gstatic.com"
        for url, wanted in (
            ("https://hostile.example/", WAYS.keys() - {portal}),
            ("https://captive.example:444/", {portal}),
        ):
            target = tools.call("Target.createTarget", url=url, seconds=SECONDS)["targetId"]
            session = tools.call("Target.attachToTarget", targetId=target, flatten=True)
            while time.monotonic() < end and not names >= wanted:
                tools.wait(0.2)
                with suppress(BrowserError):
                    tools.call("Page.getAppManifest", session["sessionId"], seconds=2)
        browser.terminate()


def _digest(leaf: trustme.LeafCert) -> str:
    import base64
    import hashlib

    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    found = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).public_key()
    raw = found.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(raw).digest()).decode()


if __name__ == "__main__":
    main()
