"""PURE: the site of an origin, and fingerprints of paragraphs."""

import hashlib
import re

ADDRESS = re.compile(r"https?://(?:[^/?#@]*@)?(?P<host>[^/?#:]+)", re.IGNORECASE)
"""
>>> ADDRESS.match("https://www.lohebote.example/damm")["host"]
'www.lohebote.example'
"""
SAME_SITE = re.compile(r"^(?:www\d?|m|mobil|mobile|amp)\.", re.IGNORECASE)
"""
>>> SAME_SITE.sub("", "amp.lohebote.example")
'lohebote.example'
"""


def site_of(origin: str) -> str:
    """Return the host of an address, or the source or folder of a file.

    >>> site_of("https://www.lohebote.example/damm"), site_of("seed:presse/2024/damm.txt")
    ('lohebote.example', 'seed:presse')
    >>> site_of("file:///srv/presse/damm.txt")
    'file:///srv/presse'
    """
    if found := ADDRESS.match(origin):
        return SAME_SITE.sub("", found["host"].lower())
    if origin.startswith("seed:"):
        return origin.partition("/")[0]
    return origin.rpartition("/")[0] or origin


def is_host(site: str) -> bool:
    """Check whether a site is on the web, where pages contain boilerplate, and not a folder.

    >>> is_host("lohebote.example"), is_host("seed:presse"), is_host("file:///srv/presse")
    (True, False, False)
    """
    return ":" not in site and "/" not in site


def site_key(site: str) -> int:
    """Return a 63-bit fingerprint of a site."""
    return _bits("site", site)


def paragraph_key(canon: str) -> int:
    """Return a 63-bit fingerprint of a paragraph in canonical form."""
    return _bits("paragraph", canon)


def _bits(kind: str, text: str) -> int:
    digest = hashlib.sha256(f"lesart {kind}\0{text}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> 1
