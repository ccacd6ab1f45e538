"""The report of a bundle, as a page and as lines, with the Python standard library alone.

This file is part of the program that verifies a bundle. It writes only facts derived from logged
rows; the page in a bundle must be identical byte by byte.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

Facts = Mapping[str, Any]
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

STYLE = (
    "body{font:16px/1.5 Georgia,serif;max-width:52rem;margin:2rem auto;padding:0 1rem}"
    "code,pre{font:12px/1.4 monospace;overflow-wrap:anywhere;white-space:pre-wrap}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #bbb;"
    "padding:.2rem .5rem;text-align:left;vertical-align:top}"
    "article{border:1px solid #bbb;padding:0 1rem;margin:1rem 0;white-space:pre-wrap}"
    "time{white-space:nowrap}@media print{body{font-size:12px}code,pre{font-size:9px}}"
)

WORDS: Mapping[str, Mapping[str, str]] = {
    "de": {
        "title": "Nachweis", "log": "Protokoll", "entries": "Einträge, Wurzel", "key": "Schlüssel",
        "witness": "Mitunterschrieben", "stamp": "Zeitstempel", "none": "keine",
        "stamp_what": "Prüfpunkt mit {size} Einträgen; {rows} der {all} Zeilen sind darin",
        "passage": "Gesuchte Stelle", "text": "Text", "has": "enthält die Stelle",
        "lacks": "enthält die Stelle nicht", "first": "Zuerst gesehen", "last": "Zuletzt gesehen",
        "before": "Anderer Text davor zuletzt gesehen", "wording": "Wortlaut",
        "bytes": "SHA-256 der Bytes", "not_here": "Bytes liegen nicht bei",
        "reader": "Gelesen mit", "entry": "Eintrag im Protokoll", "recorded": "aufgezeichnet",
        "stated": "laut Datei oder Import, nicht vom Archiv beobachtet",
        "submitted": "eingereicht von {name}, nicht vom Archiv abgerufen",
        "checks": "Abrufe in diesem Nachweis", "when": "Zeit", "what": "Ergebnis",
        "until": "in diesem Nachweis ohne Änderung bis zum Durchlauf vom",
        "declared": "erklärt:",
        "copy": "Das Archiv {archive} gab am {recorded_at} an, dass es die Seite am {captured_at} "
        "selbst kopiert hat: {address}",
        "copies_limit": "Dass die Kopien bei anderen Archiven denselben Wortlaut zeigen oder noch "
        "vorhanden sind: Rufen Sie sie auf.",
        "screenshot": "Bildschirmfoto, {width} × {height} Pixel, {media_type}, SHA-256 {bytes}",
        "resource": "Ressource {address}, {size} Bytes, SHA-256 {bytes}",
        "relations": "Verwandte Texte (Urteil des Archivs)",
        "undone": "aufgehoben", "redactions": "Schwärzungen",
        "expiries": "Bytes, nach ihrer Aufbewahrungsfrist gelöscht", "proves": "Was das beweist",
        "proves_text": "Das Archiv hatte diese Bytes, Texte und Angaben, als der Prüfpunkt "
        "unterschrieben wurde. Diese Seite gibt nur Zeilen wieder, die im Protokoll stehen.",
        "limits": "Was das nicht beweist",
        "limits_text": "Wer den Text wann veröffentlicht hat. Dass die Uhr des Archivs richtig "
        "ging. Dass der Text in den Bytes steht: Vergleichen Sie beide. Dass kein Abruf und keine "
        "spätere Aufhebung fehlt. Wer den Schlüssel hat, kann von Anfang an Falsches "
        "protokollieren und spätere Zeilen weglassen. Ohne Zeugen, Zeitstempel oder einen "
        "Prüfpunkt in fremder Hand kann er auch das ganze Protokoll neu schreiben.",
        "check": "So prüfen Sie es selbst",
        "how": "Entpacken Sie die Datei. Mit dem Schlüssel, den das Archiv veröffentlicht, ohne "
        "Netz und ohne weitere Programme als Python (am besten mit einer verify.py, die nicht aus "
        "dieser Datei stammt):",
        "foreign": "Mit fremden Programmen (Debian-Paket litetlog), je Datei in proofs/:",
        "stamp_how": "Zeitstempel prüft OpenSSL, mit dem Zertifikat, das Sie von der "
        "Zeitstempelstelle selbst haben, und zeigt danach ihre Zeit:",
        "ots": "OpenTimestamps prüft, wer einen Bitcoin-Knoten hat:",
    },
    "en": {
        "title": "Proof", "log": "Log", "entries": "entries, root", "key": "Key",
        "witness": "Cosigned", "stamp": "Stamps", "none": "none",
        "stamp_what": "checkpoint of {size} entries, which covers {rows} of the {all} rows",
        "passage": "Requested passage", "text": "Text", "has": "contains the passage",
        "lacks": "does not contain the passage", "first": "First seen", "last": "Last seen",
        "before": "Other text before it last seen", "wording": "Wording",
        "bytes": "SHA-256 of the bytes", "not_here": "the bytes are not in this bundle",
        "reader": "Read by", "entry": "Log entry", "recorded": "recorded",
        "stated": "stated by the file or the import, not observed by the archive",
        "submitted": "submitted by {name}, not fetched by the archive",
        "checks": "Checks in this bundle", "when": "Time", "what": "Outcome",
        "until": "no change in this bundle up to the scan of",
        "declared": "declared:",
        "copy": "the archive {archive} stated at {recorded_at} that it copied the page itself at "
        "{captured_at}: {address}",
        "copies_limit": "That the copies at other archives show the same wording or still exist: "
        "open them.",
        "screenshot": "screenshot, {width} × {height} pixels, {media_type}, SHA-256 {bytes}",
        "resource": "resource {address}, {size} bytes, SHA-256 {bytes}",
        "relations": "Related texts (decisions of the archive)",
        "undone": "undone", "redactions": "Redactions",
        "expiries": "Bytes deleted after their retention period", "proves": "What this proves",
        "proves_text": "The archive held these bytes, texts and facts when the checkpoint was "
        "signed. This page shows only rows whose entries are in the log.",
        "limits": "What this does not prove",
        "limits_text": "Who published the text, and when. That the clock of the archive was "
        "right. That the text is in the bytes: compare them. That no check and no later undoing is "
        "missing. A key holder can log false rows in the first place and withhold later ones. "
        "Without a witness, a stamp or a checkpoint in other hands a key holder can rewrite the "
        "whole log.",
        "check": "How to check it yourself",
        "how": "Unpack the file. With the key that the archive publishes, without a network and "
        "with no other program than Python (best with a verify.py that is not from this file):",
        "foreign": "With programs of others (Debian's litetlog), for each file in proofs/:",
        "stamp_how": "OpenSSL checks the stamps, with the certificate that you have from the "
        "time-stamping authority itself, and then shows their time:",
        "ots": "OpenTimestamps checks these, with a Bitcoin node:",
    },
}  # fmt: skip

GERMAN: Mapping[str, str] = {
    "captured": "erfasst", "content": "erfasst", "unchanged": "unverändert",
    "not_modified": "unverändert", "gone": "nicht vorhanden", "redirected": "weitergeleitet",
    "unreachable": "nicht erreichbar", "rate_limited": "gedrosselt", "blocked": "gesperrt",
    "not_article": "kein Artikel", "disallowed_by_robots": "laut robots.txt nicht erlaubt",
    "refused": "abgelehnt", "unconfirmed": "zurückgehalten",
    "exact_copy": "gleicher Wortlaut", "near_copy": "fast gleich",
    "contains": "enthält den anderen", "follow_up": "Folgebericht",
}  # fmt: skip
"""The German names of logged outcomes and relations."""


def visible(text: str) -> str:
    """Return a text with control and invisible characters made visible."""
    return HIDDEN.sub(lambda match: f"<U+{ord(match[0]):04X}>", text)


def one_line(text: str) -> str:
    """Return a text as one visible line: archived text cannot add lines to a report."""
    return visible(text).replace("\n", " ")


# ---------------------------------------------------------------------------------------- lines


def lines(facts: Facts) -> Iterator[str]:
    """Yield the proven facts as sentences."""
    yield f"The checkpoint of {facts['size']} entries is signed by the key {facts['key']}."
    for each in facts["witnesses"]:
        who = "the specified witness" if each["is_given"] else "the owner of that key"
        yield f"{each['key']}: {who} signed at {each['at']} that it saw the checkpoint."
    yield f"{facts['rows']} rows of the record are in the log below that checkpoint."
    yield f"{facts['captures_here']} of {facts['captures']} captures are here, as logged."
    for place in facts["places"]:
        yield f"At {place['place']}, by the checks in this bundle:"
        for text in place["texts"]:
            yield from _text_lines(text)
        for check in place["checks"]:
            yield f"  Check at {check['at']}: {', '.join(_outcome(check, 'en'))}"
    if _has_copies(facts):
        yield f"It does not prove: {WORDS['en']['copies_limit']}"
    for each in facts["relations"]:
        undone = f", undone at {each['undone_at']}" if each["undone_at"] else ""
        yield f"Decided at {each['at']}: {each['kind']} of {each['a']} and {each['b']}{undone}."
    for each in facts["redactions"]:
        if each["is_expiry"]:
            yield f"Bytes deleted after their retention period at {each['at']}: {each['row']}."
        else:
            yield f"Redacted at {each['at']}: {each['row']} ({each['reason']})."
    for each in facts["stamps"]:
        named = WORDS["en"]["stamp_what"].format(**each, all=facts["rows"])
        yield f"{each['file']} is on a {named}. Its signature and time are not checked here."


def _has_copies(facts: Facts) -> bool:
    return any(check["copies"] for place in facts["places"] for check in place["checks"])


def limits(*, is_key_given: bool) -> Iterator[str]:
    """Yield the last lines of a report: the result, and the limits of the proof."""
    yield (
        "HOLDS, by the specified key."
        if is_key_given
        else ("HOLDS, if the key is that of the archive: compare it with the published key.")
    )
    yield f"It does not prove: {WORDS['en']['limits_text']}"


def _text_lines(text: Facts) -> Iterator[str]:
    words = WORDS["en"]
    yield f"  Text {text['number']}, {text['wording']}: {text['title'] or '(no title)'}"
    stated = f" ({_provenance(text, words)})" if text["is_stated"] else ""
    yield f"    seen from {text['first']} to {text['last']}{stated}"
    if text["before"] is not None:
        yield f"    another text before it was last seen at {text['before']}"
    yield f"    recorded at {text['recorded_at']} as entry {text['entry']} of the log"
    here = "" if text["has_bytes"] else f" ({words['not_here']})"
    yield f"    bytes {text['bytes']}{here}, read by {text['reader']}"
    if text["has_passage"] is not None:
        yield f"    Text {text['number']} {words['has' if text['has_passage'] else 'lacks']}."


def _outcome(check: Facts, language: str) -> Iterator[str]:
    words = WORDS[language]
    yield _name(check["outcome"], language)
    if check["status"]:
        yield f"HTTP {check['status']}"
    yield from map(str, check["refusals"])
    yield from (one_line(f"{words['declared']} {each}") for each in check["rights"])
    yield from (one_line(words["copy"].format(**each)) for each in check["copies"])
    for name in ("screenshot", "resource"):
        yield from (one_line(words[name].format(**each)) for each in check[f"{name}s"])
    if check["text"]:
        yield f"{words['text']} {check['text']}"
    if check["until"]:
        yield f"{words['until']} {check['until']}"
    if check["is_stated"]:
        yield f"{_provenance(check, words)}; {words['recorded']} {check['recorded_at']}"


def _provenance(fact: Facts, words: Mapping[str, str]) -> str:
    """Return where a time comes from that the archive did not observe."""
    submitter = fact["submitted_by"]
    return words["stated"] if submitter is None else words["submitted"].format(name=submitter)


# ----------------------------------------------------------------------------------------- page


def page(facts: Facts, language: str) -> str:
    """Return the report as a page; all archived text is escaped."""
    words = WORDS[language]
    title = f"{words['title']}: {_html(facts['places'][0]['place'])}"
    parts = [
        f"<!doctype html><html lang='{language}'><meta charset='utf-8'><title>{title}</title>"
        f"<style>{STYLE}</style><h1>{title}</h1>",
        _head(facts, words),
        *(_place(place, language) for place in facts["places"]),
        f"<h2>{words['proves']}</h2><p>{words['proves_text']}</p>",
        f"<h2>{words['limits']}</h2><p>{words['limits_text']}</p>",
        *([f"<p>{words['copies_limit']}</p>"] if _has_copies(facts) else []),
        _commands(facts, words), _relations(facts, language),
        *(f"<h2>{words['text']} {text['number']}</h2><article>{_html(text['text'])}</article>"
          for place in facts["places"] for text in place["texts"]),
        "</html>\n",
    ]  # fmt: skip
    return "\n".join(parts)


def _head(facts: Facts, words: Mapping[str, str]) -> str:
    witnesses = [f"<code>{_html(each['key'])}</code>: {_time(each['at'])}"
                 for each in facts["witnesses"]]  # fmt: skip
    stamps = [f"{each['file']}: {words['stamp_what'].format(**each, all=facts['rows'])}"
              for each in facts["stamps"]]  # fmt: skip
    rows = [
        (words["log"], f"{_html(facts['log'])}: {facts['size']} {words['entries']} "
                       f"<code>{facts['root']}</code>"),
        (words["key"], f"<code>{_html(facts['key'])}</code>"),
        (words["witness"], "<br>".join(witnesses) or words["none"]),
        (words["stamp"], "<br>".join(stamps) or words["none"]),
    ]  # fmt: skip
    if facts["passage"] is not None:
        rows.append((words["passage"], _html(facts["passage"])))
    return _table((), rows)


def _place(place: Facts, language: str) -> str:
    words = WORDS[language]
    texts = [_table((), list(_text_rows(text, words))) for text in place["texts"]]
    checks = [(_time(each["at"]), _html(", ".join(_outcome(each, language))))
              for each in place["checks"]]  # fmt: skip
    return "".join([
        f"<h2>{_html(place['place'])}</h2>", *texts,
        f"<h3>{words['checks']}</h3>", _table((words["when"], words["what"]), checks),
    ])  # fmt: skip


def _text_rows(text: Facts, words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield (
        f"<b>{words['text']} {text['number']}</b>",
        f"<b>{_html(text['title'] or '')}</b>",
    )
    stated = f"<br>({_html(_provenance(text, words))})" if text["is_stated"] else ""
    yield words["before"], _time(text["before"])
    yield words["first"], _time(text["first"]) + stated
    yield words["last"], _time(text["last"])
    yield words["entry"], f"{text['entry']}, {words['recorded']} {_time(text['recorded_at'])}"
    yield words["wording"], f"<code>{text['wording']}</code>"
    here = "" if text["has_bytes"] else f"<br>({words['not_here']})"
    yield words["bytes"], f"<code>{text['bytes']}</code>{here}"
    yield words["reader"], _html(text["reader"])
    if text["has_passage"] is not None:
        yield words["passage"], words["has" if text["has_passage"] else "lacks"]


def _relations(facts: Facts, language: str) -> str:
    words = WORDS[language]
    relations = [
        (
            _time(each["at"]),
            _html(_name(each["kind"], language))
            + (f"<br>{words['undone']} {_time(each['undone_at'])}" if each["undone_at"] else ""),
            f"{_html(each['a'])}<br>{_html(each['b'])}",
        )
        for each in facts["relations"]
    ]
    redactions, expiries = (
        [(_time(each["at"]), _html(each["row"]), _html(each["reason"] or ""))
         for each in facts["redactions"] if each["is_expiry"] == is_expiry]
        for is_expiry in (False, True)
    )  # fmt: skip
    named = (("relations", relations), ("redactions", redactions), ("expiries", expiries))
    return "".join(f"<h2>{words[name]}</h2>{_table((), rows)}" for name, rows in named if rows)


def _commands(facts: Facts, words: Mapping[str, str]) -> str:
    key = _html(facts["key"])
    stamps = [
        f"openssl ts -verify -in {each['file']} -data {each['name']}.note -CAfile "
        + (f"{each['name']}.pem" if each["has_certificate"] else "CERTIFICATE.pem")
        + f"\nopenssl ts -reply -in {each['file']} -text"
        for each in facts["stamps"] if each["file"].endswith(".tsr")
    ]  # fmt: skip
    calendars = [f"ots verify {each['file']}" for each in facts["stamps"]
                 if each["file"].endswith(".ots")]  # fmt: skip
    found = (
        f"<h2>{words['check']}</h2><p>{words['how']}</p>"
        f"<pre>python3 -I verify.py --key '{key}'</pre><p>{words['foreign']}</p>"
        '<pre>cd proofs\nfor f in *.tlog-proof; do tail -n +2 "$f" &gt; '
        f"\"${{f%.tlog-proof}}.spicy\"\nspicy-litetlog -verify '{key}' "
        '"${f%.tlog-proof}"; done</pre>'
    )
    for name, commands in (("stamp_how", stamps), ("ots", calendars)):
        if commands:
            found += f"<p>{words[name]}</p><pre>{chr(10).join(commands)}</pre>"
    return found


def _name(name: str, language: str) -> str:
    return GERMAN.get(name, name) if language == "de" else name


def _time(moment: str | None) -> str:
    return "—" if moment is None else f"<time>{moment[:10]} {moment[11:19]} UTC</time>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{each}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{each}</td>" for each in row) + "</tr>" for row in rows)
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"


def _html(text: str) -> str:
    return escape(visible(text))
