"""Shared helpers for the tests of the text package: fixed hints, sample texts, shortcuts for
reading.
"""

from datetime import UTC, datetime

from storage.values.draft import Draft
from storage.values.refusals import RefusalReason
from worker.text.hints import Hints, TextSettings
from worker.text.read import read_document

SEEN = datetime(2024, 7, 1, 12, 0, tzinfo=UTC)

BRAND = """ date 2024-06-18 Großbrand im Tanklager von Marschfelde

Im Tanklager von Marschfelde ist in der Nacht ein Feuer ausgebrochen. Verletzt wurde niemand.

Die Feuerwehr war nach eigenen Angaben mit 120 Kräften im Einsatz. Nach dem Alarm um 3.40 Uhr
dauerte es 14 Minuten, bis die ersten Wagen am Tanklager standen (der Deichbote berichtete).

Feuerwehr spricht von einem "glücklichen Zufall"

Der Wind stand günstig und trieb den Rauch auf das Meer hinaus. „Wir hatten Glück“, sagte die
Sprecherin der Wehr. Der Schaden liegt bei 3,6 Millionen Euro, wie der Betreiber mitteilte.

Newsblog zum Großbrand: Was bisher über das Tanklager bekannt ist

Warum das Feuer ausbrach, ist noch nicht geklärt. Die Polizei hat Ermittlungen aufgenommen. (dpa)"""


def hints(type_: str = "seed", **changes: object) -> Hints:
    known: dict = {"name": "probe", "charset": None, "observed_at": SEEN, "url": None}
    return Hints(type=type_, **(known | changes))


def outcome(raw: bytes | str, type_: str = "seed", **changes: object) -> Draft | RefusalReason:
    data = raw.encode() if isinstance(raw, str) else raw
    return read_document(data, hints(type_, **changes), TextSettings())


def draft(raw: bytes | str, type_: str = "seed", **changes: object) -> Draft:
    found = outcome(raw, type_, **changes)
    assert isinstance(found, Draft), found
    return found


def refusal(raw: bytes | str, type_: str = "seed", **changes: object) -> str:
    found = outcome(raw, type_, **changes)
    assert isinstance(found, RefusalReason), found
    return found.code


def by_role(found: Draft, role: str) -> list[str]:
    return [paragraph.text for paragraph in found.paragraphs if paragraph.role == role]


def letters(text: str) -> str:
    return "".join(text.split())
