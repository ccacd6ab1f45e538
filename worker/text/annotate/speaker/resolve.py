"""Whom the words of a text mean that name a speaker: a pronoun, a role, a last name."""

import re

from worker.text.annotate.speaker.candidates import Place, Speaker, candidates, last_name

_FULL = r"[A-ZÄÖÜ][\w'’-]+(?: (?:von |van |de |al-)?[A-ZÄÖÜ][\w'’-]+){1,2}"
_FEMALE = re.compile(r"(?:(?:er|or|ent|ist|ant|at|eur|än|nt)in|frau|Frau)\Z")
_WORTH = {
    "several names": 2.0, "named in full": 1.5, "person": 1.0, "free first": 1.0,
    "spoke earlier": 1.0, "verb behind": 1.0, "verb before": 1.0,
    "abstract": -2.0, "paper": -2.0, "oblique": -0.5,
    "behind a preposition": -1.0, "genitive": -1.0, "after": -2.0,
    "earlier2": -1.0, "earlier3": -2.0,
}  # fmt: skip
_OF_THE_OTHER, _LEAST = 9.0, 1.0
_LONGEST_NAME = 60


def resolved(speaker: Speaker, place: Place, last: str | None, whole: str) -> str | None:
    """Return the fullest name that the text gives of a speaker, None where that cannot be told.

    `last` is whom the quotation before has, `whole` the text.
    """
    if not speaker.pronoun:
        return _full_name(speaker.text, whole)
    kind = speaker.text.casefold()
    if kind not in {"er", "sie"}:
        return None
    if last and not _is_other_gender(last, kind):
        return _full_name(last, whole)
    meant = [each for each in candidates(place) if not each.pronoun]
    best = max(meant, key=lambda each: _worth(each, kind), default=None)
    if best is None or _worth(best, kind) < _LEAST:
        return None
    return _full_name(best.text, whole)


def _worth(each: Speaker, pronoun: str) -> float:
    known = sum(_WORTH.get(name, 0.0) * value for name, value in each.features.items())
    return known - _OF_THE_OTHER * _is_other_gender(each.text, pronoun)


def _is_other_gender(name: str, pronoun: str) -> bool:
    """Tell whether a role is of the other gender, as far as its ending tells.

    >>> _is_other_gender("Sprecherin der Wehr", "er"), _is_other_gender("Bo Lind", "er")
    (True, False)
    """
    return pronoun == "er" and any(_FEMALE.search(word) for word in name.split()[:2])


def _full_name(name: str, whole: str) -> str:
    """Return the full name of somebody whom a text names by a last name, or of a role's holder.

    >>> _full_name("Lind", "Deichgraf Bo Lind kam."), _full_name("Minister", "Minister Bo Lind")
    ('Bo Lind', 'Minister Bo Lind')
    >>> _full_name("Chef der Wehr", "Der Chef der Wehr, Bo Lind, kam.")
    'Bo Lind'
    """
    if len(name) > _LONGEST_NAME or name not in whole:
        return name
    found = re.search(
        rf"{re.escape(name)}(?: \([^()]{{1,20}}\))?, (?P<name>{_FULL})(?=[,.( ])", whole
    )
    if found:
        return found["name"]
    if " " in name:
        return name
    full = re.search(
        rf"(?<![\w-])(?P<before>{_FULL}|[A-ZÄÖÜ][\w-]+) {re.escape(last_name(name))}(?![\w-])",
        whole,
    )
    if full:
        first = full["before"].rsplit(" ", 1)[-1]
        return f"{first} {name}"
    holder = re.search(rf"(?<![\w-]){re.escape(name)} {_FULL}", whole)
    return holder[0] if holder else name
