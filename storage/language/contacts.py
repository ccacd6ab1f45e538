"""PURE: e-mail and web addresses in a text, and their normal form.

Pages obfuscate e-mail addresses in changing ways and put session ids into web addresses. Two
spellings of one address are equal; two addresses are not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit

from storage.values.lazy import lazy_pattern

LONGEST_ADDRESS = 2_000

_AT = r"(?:@|\s?[(\[{<](?:at|ät|a|@)[)\]}>]\s?|&\#(?:64|x40);)"
_DOT = r"(?:\.|\s?[(\[{<](?:dot|punkt|\.)[)\]}>]\s?|&\#(?:46|x2e);)"
_PART = r"(?<![\w+-])[\w+-]{1,64}"
EMAIL = lazy_pattern(
    rf"""
      (?P<plain>{_PART}(?:{_DOT}{_PART}){{0,6}}{_AT}{_PART}(?:{_DOT}{_PART}){{1,6}})
    | (?P<words>{_PART}(?:\.{_PART}){{0,4}}[ ](?:at|ät)[ ]
        {_PART}(?:[ ](?:dot|punkt)[ ]{_PART}){{1,4}})
    | (?P<backwards>[a-z]{{2,12}}(?:\.{_PART}){{1,4}}@{_PART}(?:\.{_PART}){{0,4}})
    | (?P<hidden>
        \[?\(?(?:e-?mail(?:-?adresse|[ ]address)?|javascript)[ ]?(?:ist[ ]|is[ ])?
          (?:protected|geschützt|verborgen|hidden)(?:[ ]e-?mail(?:[ ]address)?)?\)?\]?
      | \[protected[ ]e-?mail(?:[ ]address)?\]
      | diese[ ]e-?mail-?adresse[ ]ist[ ]vor[ ]spambots[ ]geschützt!?
          (?:[ ](?:zur|zum)[ ][^.!]{{3,60}}eingeschaltet[ ]sein[.!]?)?
      | this[ ]e-?mail[ ]address[ ]is[ ]being[ ]protected[ ]from[ ]spambots\.?
          (?:[ ]you[ ]need[ ]javascript[ ]enabled[ ]to[ ]view[ ]it\.?)?
      )
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""An e-mail address, plain or obfuscated.

>>> [m[0] for m in EMAIL.finditer("an redaktion@bote.example, info(at)bote.example.")]
['redaktion@bote.example', 'info(at)bote.example']
>>> EMAIL.search("Mail: [email\N{NO-BREAK SPACE}protected]".replace("\N{NO-BREAK SPACE}", " "))[0]
'[email protected]'
"""
MAY_HOLD_EMAIL = lazy_pattern(
    r"@|\b[aä]t\b|[(\[{<]a[)\]}>]|&#|protected|geschützt|verborgen|hidden", re.IGNORECASE
)
"""
>>> bool(MAY_HOLD_EMAIL.search("info (at) bote.example")), bool(MAY_HOLD_EMAIL.search("Pegel"))
(True, False)
"""
AT = lazy_pattern(r"\s?[(\[{<](?:at|ät|a|@)[)\]}>]\s?|\s(?:at|ät)\s", re.IGNORECASE)
"""
>>> AT.sub("@", "info [at] bote.example")
'info@bote.example'
"""
DOT = lazy_pattern(r"\s?[(\[{<](?:dot|punkt|\.)[)\]}>]\s?|\s(?:dot|punkt)\s", re.IGNORECASE)
"""
>>> DOT.sub(".", "info@bote (punkt) example")
'info@bote.example'
"""
AGAINST_SPAM = lazy_pattern(
    r"[._-]?(?:no|keine?|remove|anti)[._-]?(?:spam|this)[._-]?", re.IGNORECASE
)
"""
>>> AGAINST_SPAM.sub(".", "info@nospam.bote.example").replace("@.", "@")
'info@bote.example'
"""

WEB = lazy_pattern(r"(?:https?://|www\.)[^\s<>\"'„“”»«]{4,}[^\s<>\"'„“”»«.,;:!?)\]]", re.IGNORECASE)
"""A web address in running text, without the punctuation that ends its sentence.

>>> WEB.search("Mehr auf https://bote.example/damm?sid=4f.")[0]
'https://bote.example/damm?sid=4f'
"""
PASSING = lazy_pattern(
    r"utm_\w+|(?:fb|g|dc|y|msc?l?k|tt|tw|wbra?|gbra?)cl(?:k|src)?id|gclsrc|msclkid|mc_[ce]id|_ga|_gl"
    r"|(?:pk|piwik|matomo|mtm|hsa|wt|at|wtmc|wt\.mc)[_.]\w+|igshid|xtor|icid|_hs\w+"
    r"|(?:php)?sess(?:ion)?_?id|session|sid|jsessionid|aspsessionid\w*|cfid|cftoken"
    r"|cb|cachebuster|nocache|cache|_|ts|timestamp|rnd|rand|random",
    re.IGNORECASE,
)
"""The name of a parameter that describes the visit, not the page.

>>> [bool(PASSING.fullmatch(name)) for name in ("utm_source", "PHPSESSID", "id", "v", "page")]
[True, True, False, False, False]
"""
SESSION_IN_PATH = lazy_pattern(r";jsessionid=[^/?#]*", re.IGNORECASE)
"""
>>> SESSION_IN_PATH.sub("", "https://bote.example/damm;jsessionid=4F2A?x=1")
'https://bote.example/damm?x=1'
"""


@dataclass(frozen=True, slots=True)
class Contact:
    """An address from `start` to `end` of a text.

    `value` is its normal form in lower case; None if it is hidden completely.
    """

    kind: str
    start: int
    end: int
    value: str | None


def contacts(text: str) -> Iterator[Contact]:
    """Yield the e-mail addresses (`email`) and the web addresses (`address`) of a text.

    >>> [(c.kind, c.value) for c in contacts("info(at)bote.example, https://bote.example/?sid=1")]
    [('email', 'info@bote.example'), ('address', 'https://bote.example/')]
    """
    if MAY_HOLD_EMAIL.search(text):
        for found in EMAIL.finditer(text):
            yield Contact("email", *found.span(), _email(found))
    if "://" in text or "www." in text.lower():
        for found in WEB.finditer(text):
            yield Contact("address", *found.span(), _web(found[0]))


def is_same(a: Contact, b: Contact) -> bool:
    """Check whether two addresses may be the same: equal values, or a hidden e-mail address.

    >>> a, b = contacts("info@bote.example"), contacts("[email protected]")
    >>> is_same(next(a), next(b))
    True
    """
    if a.kind != b.kind:
        return False
    if a.kind == "email" and (a.value is None or b.value is None):
        return True
    return a.value == b.value or (a.kind == "email" and a.value == (b.value or "")[::-1])


def _email(match: re.Match[str]) -> str | None:
    """Return the address that a spelling stands for.

    >>> [_email(EMAIL.search(each)) for each in ("a.b (at) c (dot) de", "a&#64;nospam.c.de")]
    ['a.b@c.de', 'a@c.de']
    """
    if match.lastgroup == "hidden":
        return None
    text = DOT.sub(".", AT.sub("@", unescape(match[0]))).replace(" ", "").casefold()
    local, _, domain = text.partition("@")
    return f"{AGAINST_SPAM.sub('', local)}@{AGAINST_SPAM.sub('.', domain).strip('.')}"


def _web(text: str) -> str:
    """Return a web address without parameters that describe the visit.

    >>> _web("https://Bote.example/damm?utm_source=x&id=7&PHPSESSID=4f2a#top")
    'https://bote.example/damm?id=7#top'
    """
    try:
        parts = urlsplit(SESSION_IN_PATH.sub("", text[:LONGEST_ADDRESS]))
        kept = [
            pair
            for pair in parse_qsl(parts.query, keep_blank_values=True)
            if not PASSING.fullmatch(pair[0])
        ]
        return parts._replace(netloc=parts.netloc.lower(), query=urlencode(kept)).geturl()
    except ValueError:
        return text
