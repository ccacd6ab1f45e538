"""The page of a bundle that people read: what was seen when, and how to check it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from html import escape
from typing import Any, Literal

from storage.read.render.visible import visible
from storage.read.render.words import say

Language = Literal["de", "en"]

STYLE = (
    "body{font:16px/1.5 Georgia,serif;max-width:52rem;margin:2rem auto;padding:0 1rem}"
    "code,pre{font:12px/1.4 monospace;overflow-wrap:anywhere;white-space:pre-wrap}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #bbb;"
    "padding:.2rem .5rem;text-align:left;vertical-align:top}"
    "article{border:1px solid #bbb;padding:0 1rem;margin:1rem 0;white-space:pre-wrap}"
    "time{white-space:nowrap}@media print{body{font-size:12px}code,pre{font-size:9px}}"
)

WORDS: Mapping[Language, Mapping[str, str]] = {
    "de": {
        "title": "Nachweis", "of": "Fundstelle", "exported": "Ausgegeben",
        "by": "von", "log": "Protokoll", "entries": "Einträge",
        "signed": "Prüfpunkt unterschrieben",
        "key": "Schlüssel", "witnesses": "Zeugen", "none": "keine",
        "stamps": "Zeitstempel", "stamp_how": "Zeitstempel prüft OpenSSL, am besten mit dem "
        "Zertifikat, das Sie von der Zeitstempelstelle selbst haben:", "versions": "Fassungen",
        "version": "Fassung", "seen": "zuerst gesehen", "before": "zuletzt vorher gesehen",
        "last": "zuletzt gesehen", "bytes": "SHA-256 der Bytes", "wording": "Wortlaut",
        "passage": "Stelle", "quoted": "„{}“", "has": "enthalten", "lacks": "nicht enthalten",
        "checks": "Alle Abrufe in dieser Zeit, auch fehlgeschlagene", "when": "Zeit",
        "relations": "Was damit verwandt ist, soweit das Archiv es fand", "undone": "aufgehoben",
        "what": "Ergebnis", "where": "Ort", "texts": "Texte", "check": "So prüfen Sie es selbst",
        "proves": "Was das beweist",
        "proves_text": "Dieses Archiv hatte diese Bytes und diese Angaben, als der Prüfpunkt "
        "unterschrieben wurde; seither wurde nichts davon geändert.",
        "not": "Was das nicht beweist",
        "not_text": "Wer den Text veröffentlicht hat, und wann. Ob die Uhr des Archivs richtig "
        "ging. Ob ein Abruf in dieser Datei fehlt. Solange niemand außerhalb des Archivs einen "
        "Prüfpunkt aufbewahrt oder mitunterschrieben hat, ist auch nicht bewiesen, dass das Archiv "
        "nicht später alles neu geschrieben und unterschrieben hat.",
        "how": "Entpacken Sie die Datei. Vergleichen Sie den Schlüssel oben mit dem, den das "
        "Archiv veröffentlicht. Dann, ohne Netz und ohne weitere Programme als Python:",
        "foreign": "Mit Programmen, die nicht von uns sind (Debian-Paket litetlog): je Zeile in "
        "proofs/ die Datei und ihr Beweis ohne dessen erste Zeile:",
    },
    "en": {
        "title": "Proof", "of": "Place", "exported": "Exported",
        "by": "by", "log": "Log", "entries": "entries", "signed": "Checkpoint signed",
        "key": "Key", "witnesses": "Witnesses", "none": "none",
        "stamps": "Stamps", "stamp_how": "OpenSSL checks the stamps, best with the certificate "
        "that you have from the time-stamping authority itself:", "versions": "Versions",
        "version": "Version", "seen": "first seen", "before": "last seen before",
        "last": "last seen", "bytes": "SHA-256 of the bytes", "wording": "Wording",
        "passage": "Passage", "quoted": "“{}”", "has": "is there", "lacks": "is not there",
        "checks": "Every check in that time, failed ones too", "when": "Time",
        "relations": "What is related, as far as the archive found it", "undone": "undone",
        "what": "Outcome", "where": "Place", "texts": "Texts", "check": "How to check it yourself",
        "proves": "What this proves",
        "proves_text": "This archive held these bytes and these facts when the checkpoint was "
        "signed; nothing of them was changed since.",
        "not": "What this does not prove",
        "not_text": "Who published the text, and when. Whether the clock of the archive was right. "
        "Whether a check is left out of this file. As long as nobody outside the archive keeps a "
        "checkpoint or cosigned one, it is not proven either that the archive did not write and "
        "sign everything anew later.",
        "how": "Unpack the file. Compare the key above with the one that the archive publishes. "
        "Then, without a network and with no other program than Python:",
        "foreign": "With programs that are not ours (Debian's package litetlog): for each file in "
        "proofs/ and its proof without the first line:",
    },
}  # fmt: skip


def report(
    manifest: Mapping[str, Any], files: Mapping[str, bytes], language: Language, zone: tzinfo
) -> str:
    """Return the page; all that was archived is escaped."""
    words = WORDS[language]
    page = _Page(language, zone)
    parts = [
        f"<!doctype html><html lang='{language}'><meta charset='utf-8'>"
        f"<title>{words['title']} {escape(manifest['revision'])}</title><style>{STYLE}</style>",
        f"<h1>{words['title']}: <code>{_shown(manifest['revision'])}</code></h1>",
        page.facts(manifest), page.versions(manifest),
        f"<h2>{words['proves']}</h2><p>{words['proves_text']}</p>",
        f"<h2>{words['not']}</h2><p>{words['not_text']}</p>",
        page.commands(manifest), page.checks(manifest), page.relations(manifest),
        page.texts(manifest, files), "</html>\n",
    ]  # fmt: skip
    return "\n".join(parts)


class _Page:
    """Writes the parts of a page in one language, its times in UTC and in one zone."""

    def __init__(self, language: Language, zone: tzinfo) -> None:
        self.language, self.words, self.zone = language, WORDS[language], zone

    def facts(self, manifest: Mapping[str, Any]) -> str:
        words, checkpoint = self.words, manifest["checkpoint"]
        witnesses = "<br>".join(f"<code>{escape(each)}</code>" for each in manifest["witnesses"])
        stamps = "<br>".join(
            f"{escape(each['authority'])}: {self.time(each['stamped_at'])}"
            for each in manifest["stamps"]
        ) + "".join(
            f"<br>{escape(each['authority'])}: <code lang=en>{escape(each['told'])}; ots verify "
            f"{escape(each['name'])}.note.ots</code>"
            for each in manifest.get("calendars", ())
        )
        rows = [
            (words["of"], _shown(manifest["place"])),
            (words["exported"], f"{self.time(manifest['exported_at'])}<br>{words['by']} "
                                f"{escape(manifest['exported_by'])}"),
            (words["log"],
             f"{escape(manifest['origin'])}: {checkpoint['size']} {words['entries']}"),
            (words["signed"], self.time(checkpoint["made_at"])),
            (words["key"], f"<code>{escape(manifest['key'])}</code>"),
            (words["witnesses"], witnesses or words["none"]),
            (words["stamps"], stamps or words["none"]),
        ]  # fmt: skip
        if manifest["passage"] is not None:
            rows.append((words["passage"], words["quoted"].format(_shown(manifest["passage"]))))
        return _table((), rows)

    def versions(self, manifest: Mapping[str, Any]) -> str:
        words, versions = self.words, manifest["versions"]
        times = [
            (
                str(each["version"]), self.time(each["changed_after"]),
                self.time(each["changed_by"]), self.time(each["last_seen"]),
            )
            for each in versions
        ]  # fmt: skip
        heads = (words["version"], words["before"], words["seen"], words["last"])
        digests = [
            (
                str(each["version"]),
                f"<code>{each['raw']}</code><br><code>{each['wording']}</code>",
                {None: "", True: words["has"], False: words["lacks"]}[each["has_passage"]],
            )
            for each in versions
        ]  # fmt: skip
        named = (words["version"], f"{words['bytes']}<br>{words['wording']}",
                 words["passage"] if manifest["passage"] else "")  # fmt: skip
        return f"<h2>{words['versions']}</h2>{_table(heads, times)}{_table(named, digests)}"

    def checks(self, manifest: Mapping[str, Any]) -> str:
        words = self.words
        rows = [
            (self.time(each["observed_at"]),
             self.outcome(each["told"], each["http_status"]), _shown(each["place"]))
            for each in manifest["observations"]
        ]  # fmt: skip
        heads = (words["when"], words["what"], words["where"])
        return f"<h2>{words['checks']}</h2>{_table(heads, rows)}"

    def relations(self, manifest: Mapping[str, Any]) -> str:
        words = self.words
        if not manifest["relations"]:
            return ""
        rows = [
            (
                self.time(each["decided_at"]),
                escape(say(self.language, f"kind {each['kind']}"))
                + (f" ({words['undone']})" if each["undone"] else ""),
                f"{_shown(each['a'])}<br>{_shown(each['b'])}",
            )
            for each in manifest["relations"]
        ]
        heads = (words["when"], words["what"], words["where"])
        return f"<h2>{words['relations']}</h2>{_table(heads, rows)}"

    def texts(self, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
        parts = [f"<h2>{self.words['texts']}</h2>"]
        for each in manifest["versions"]:
            content = files[f"texts/{each['version']}.txt"].decode("utf-8", "replace")
            parts.append(f"<h3>{self.words['version']} {each['version']}</h3>")
            parts.append(f"<article>{_shown(content)}</article>")
        return "".join(parts)

    def commands(self, manifest: Mapping[str, Any]) -> str:
        words, key = self.words, escape(manifest["key"])
        return (
            f"<h2>{words['check']}</h2><p>{words['how']}</p>"
            f"<pre>python3 -I verify.py --key '{key}'</pre><p>{words['foreign']}</p>"
            '<pre>cd proofs\nfor f in *.tlog-proof; do tail -n +2 "$f" &gt; '
            f"\"${{f%.tlog-proof}}.spicy\"\nspicy-litetlog -verify '{key}' "
            '"${f%.tlog-proof}"; done</pre>' + self._stamp_commands(manifest)
        )

    def _stamp_commands(self, manifest: Mapping[str, Any]) -> str:
        lines = "\n".join(
            f"openssl ts -verify -in {each['name']}.tsr -data {each['name']}.note -CAfile "
            + (f"{each['name']}.pem" if each["has_certificate"] else "CERTIFICATE.pem")
            for each in manifest["stamps"]
        )
        return f"<p>{self.words['stamp_how']}</p><pre>{lines}</pre>" if lines else ""

    def outcome(self, told: str, status: int | None) -> str:
        """Return what a check came to, in words, with what the server said."""
        return escape(say(self.language, f"outcome {told}")) + (
            f", HTTP {status}" if status else ""
        )

    def time(self, moment: str | None) -> str:
        """Return a time in UTC and, below it, in the zone of the archive."""
        if moment is None:
            return "—"
        found = datetime.fromisoformat(moment)
        local = found.astimezone(self.zone)
        return f"<time>{found:%Y-%m-%d %H:%M:%S} UTC<br>{local:%Y-%m-%d %H:%M:%S %Z}</time>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{each}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{each}</td>" for each in row) + "</tr>" for row in rows)
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"


def _shown(text: str) -> str:
    return escape(visible(text))
