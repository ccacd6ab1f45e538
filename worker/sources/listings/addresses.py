"""PURE: absolute addresses from lists, feeds and sitemaps."""

from urllib.parse import urljoin, urlsplit

from storage.values.net.origin_name import BREAKS

LONGEST_ADDRESS = 5_000


def absolute_address(text: str | None, base: str) -> str | None:
    r"""Return the absolute address of `text` on the page `base`, or None.

    All schemes are returned; `worker.address` refuses those that are not fetched.

    >>> absolute_address(" ../b?x=1\n", "https://a.example/d/c.xml")
    'https://a.example/b?x=1'
    >>> absolute_address("   ", "https://a.example/") is None
    True
    """
    clean_address = BREAKS.sub("", text or "").strip()
    if not clean_address or len(clean_address) > LONGEST_ADDRESS:
        return None
    try:
        joined = urljoin(base, clean_address)
        urlsplit(joined)
    except ValueError:
        return None
    return joined


def is_web_address(text: str) -> bool:
    """Check whether `text` is exactly one absolute web address.

    >>> is_web_address("https://a.example/b"), is_web_address("see https://a.example/b")
    (True, False)
    """
    if len(text) > LONGEST_ADDRESS or not text.lower().startswith(("http://", "https://")):
        return False
    if any(sign.isspace() or not sign.isprintable() for sign in text):
        return False
    try:
        return bool(urlsplit(text).hostname)
    except ValueError:
        return False
