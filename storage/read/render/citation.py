"""PURE: a reference to a version or a passage, as Markdown, BibTeX, CSL-JSON or Web Annotation."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from storage.read.answers import Citation
from storage.read.render.visible import one_line
from storage.values.digest import SOFT_HYPHEN
from storage.values.draft import Json, PartialDate

MARKDOWN_SPECIAL = re.compile(r"[\\`*_\[\]<>~|&$]")
r"""
>>> MARKDOWN_SPECIAL.sub(r"\\\g<0>", "5*3 [sic]")
'5\\*3 \\[sic\\]'
"""
MARKDOWN_BLOCK = re.compile(r"^(?:[#+=:-]|\d{1,9}[.)])")
"""
>>> MARKDOWN_BLOCK.match("1. FC Lohe")[0]
'1.'
"""
UNSAFE_IN_ADDRESS = re.compile(r"[\x00-\x20\"<>\\^`{|}\x7f-\x9f\s]")
"""
>>> bool(UNSAFE_IN_ADDRESS.search("https://lohebote.example/a b"))
True
"""
BIBTEX_SPECIAL = re.compile(r"[\\{}#$%&_^~]")
"""
>>> BIBTEX_SPECIAL.findall("50 % {sic}")
['%', '{', '}']
"""
_BIBTEX: Mapping[str, str] = MappingProxyType(
    {
        # BibTeX counts braces even after a backslash, so that a value must not contain any
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "\\": r"\textbackslash{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
    }
)
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905


def markdown(citation: Citation) -> str:
    """Return the passage as a quotation, if there is one, and the reference as a paragraph."""
    title = _markdown(citation.title or "(no title)")
    if _is_address(citation.origin):
        title = f"[{title}](<{_address(citation.origin)}>)"
    else:
        title = f"{title} ({_markdown(citation.origin)})"
    by = ", ".join(map(_markdown, _names(citation)))
    source = _join(", ", _markdown(citation.publisher or ""), _date(citation.published))
    reference = " ".join(
        filter(
            None,
            (by and f"{by}:", f"{title}.", source and f"{source}.", f"{_interval(citation)}."),
        )
    )
    where = "" if citation.start is None else f", {_range(citation)}"
    lines = [*_quotation(citation.exact or ""), _escape_block(reference)]
    return "\n".join(lines) + f" Lesart `{citation.revision}`{where}.\n"


def bibtex(citation: Citation) -> str:
    """Return an `@misc` entry; names are copied as printed, not split into parts."""
    day = (citation.published.value if citation.published else "")[:10].split("-")
    note = _join("; ", f"Lesart {citation.revision}", _interval(citation), _range(citation))
    is_address = _is_address(citation.origin)
    passage = _plain(citation.exact or "")
    fields = {
        "title": citation.title and f"{{{_bibtex(citation.title)}}}",
        "author": " and ".join(f"{{{_bibtex(name)}}}" for name in _names(citation)),
        "publisher": _bibtex(citation.publisher or ""),
        "year": day[0],
        "month": _MONTHS[int(day[1]) - 1] if len(day) > 1 else "",
        "day": day[2] if len(day) > 2 else "",
        "url": _address(citation.origin) if is_address else "",
        "howpublished": "" if is_address else _bibtex(citation.origin),
        "urldate": citation.last_seen.date().isoformat() if is_address else "",
        "note": _bibtex(note),
        "annote": _bibtex(passage),
    }
    key = f"{citation.article}-{citation.wording[3:11]}"
    lines = [
        f"  {name} = {value if name == 'month' else f'{{{value}}}'},\n"
        for name, value in fields.items()
        if value
    ]
    return f"@misc{{{key},\n{''.join(lines)}}}\n"


def csl_json(citation: Citation) -> str:
    """Return a CSL-JSON list with one item; dates have only the parts that are known."""
    is_address = _is_address(citation.origin)
    item: dict[str, Json] = {
        "id": citation.revision,
        "type": "article-newspaper",
        "title": citation.title,
        "author": [{"literal": name} for name in _names(citation)],
        "container-title": citation.publisher,
        "issued": citation.published and _date_parts(citation.published.value),
        "accessed": _date_parts(citation.last_seen.date().isoformat()),
        "language": citation.language,
        "URL": citation.origin if is_address else None,
        "version": str(citation.version),
        "archive": "Lesart",
        "archive_location": citation.revision,
        "source": citation.origin,
        "note": _join("; ", _interval(citation), _range(citation)),
        "annote": citation.exact,
    }
    return _json([{name: value for name, value in item.items() if value}])


def w3c(citation: Citation) -> str:
    """Return a resource of the Web Annotation Data Model: source, state, and a text quote.

    Source: https://www.w3.org/TR/annotation-model/ (specific resources, selectors, states).
    """
    resource: dict[str, Json] = {
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "type": "SpecificResource",
        "source": {"id": _address(citation.origin), "type": "Text"},
        "state": {
            "type": "TimeState",
            "sourceDateStart": _utc(citation.changed_by),
            "sourceDateEnd": _utc(citation.last_seen),
        },
        "dcterms:identifier": citation.revision,
    }
    if citation.language:
        resource["source"]["language"] = citation.language
    if citation.title:
        resource["source"]["dcterms:title"] = citation.title
    if citation.exact is not None:
        quote = {"exact": citation.exact, "prefix": citation.prefix, "suffix": citation.suffix}
        resource["selector"] = [
            {"type": "TextQuoteSelector", **quote},
            {"type": "TextPositionSelector", "start": citation.start, "end": citation.end},
        ]
    return _json(resource)


# ----------------------------------------------------------------------------------- passages


# -------------------------------------------------------------------------------------- words


def _names(citation: Citation) -> list[str]:
    return [str(name) for name in citation.authors]


def _interval(citation: Citation) -> str:
    """Return the version number and when it was seen; an interval, never one moment of a change."""
    after = citation.changed_after
    interval = f"by {_utc(citation.changed_by)}"
    if after is not None:
        interval = f"after {_utc(after)} and {interval}"
    return (
        f"Version {citation.version}, first seen {interval}, last seen {_utc(citation.last_seen)}"
    )


def _range(citation: Citation) -> str:
    if citation.start is None:
        return ""
    return f"characters {citation.start}–{citation.end} of the text"


def _date(publication: PartialDate | None) -> str:
    if publication is None:
        return ""
    zone = publication.zone if "T" in publication.value and publication.zone else ""
    return one_line(publication.value + zone)


def _utc(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _date_parts(value: str) -> dict[str, Json]:
    return {"date-parts": [[int(part) for part in value[:10].split("-")]]}


def _join(separator: str, *parts: str) -> str:
    return separator.join(filter(None, parts))


def _plain(text: str) -> str:
    return one_line(text.replace(SOFT_HYPHEN, ""))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


# ------------------------------------------------------------------------------------ escapes


def _quotation(passage: str) -> Iterator[str]:
    """Yield the lines of a passage as a quotation, followed by an empty line."""
    paragraphs = [_plain(each) for each in passage.split("\n\n")]
    for number, each in enumerate(filter(None, paragraphs)):
        if number:
            yield ">"
        yield f"> {_escape_block(_markdown(each))}"
    if any(paragraphs):
        yield ""


def _markdown(text: str) -> str:
    return MARKDOWN_SPECIAL.sub(r"\\\g<0>", _plain(text))


def _escape_block(line: str) -> str:
    """Return a line that begins neither a list nor a heading."""
    block = MARKDOWN_BLOCK.match(line)
    if block is None:
        return line
    mark = block.end() - 1
    return f"{line[:mark]}\\{line[mark:]}"


def _bibtex(text: str) -> str:
    return BIBTEX_SPECIAL.sub(lambda each: _BIBTEX.get(each[0], f"\\{each[0]}"), _plain(text))


def _address(origin: str) -> str:
    """Return an address without characters that end a link, a value or a line."""
    return UNSAFE_IN_ADDRESS.sub(
        lambda each: "".join(f"%{byte:02X}" for byte in each[0].encode("utf-8", "surrogatepass")),
        origin,
    )


def _is_address(origin: str) -> bool:
    return origin.lower().startswith(("https://", "http://"))
