"""Normalise titles, and join the values of a text with the declared ones."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from storage.values.draft import Candidate, Field
from storage.values.fields import FIELD_BY_NAME, FIELDS

_COMPUTED = [(each.name, each.from_text) for each in FIELDS if each.from_text]
_NO_LETTERS = {code: None for code in range(128) if not chr(code).isalnum()}


@lru_cache(maxsize=2048)  # the titles of a page are compared repeatedly
def title_key(text: str) -> str:
    """Return only the letters and digits of a title, for comparisons.

    >>> title_key("„Niemand“, sagt sie") == title_key('"Niemand", sagt sie')
    True
    """
    lowered = text.casefold()
    if lowered.isascii():
        return lowered.translate(_NO_LETTERS)
    return "".join(filter(str.isalnum, lowered))


def merge_candidates(primary: Field, secondary: Field | None) -> Field:
    """Return `primary` with the value and the candidates of `secondary` added to its candidates.

    >>> merge_candidates(Field("de", "body"), Field("en", "csv: lang")).candidates
    (Candidate(value='en', found_in='csv: lang'),)
    """
    if secondary is None:
        return primary
    is_different = secondary.value is not None and secondary.value != primary.value
    extra = (Candidate(secondary.value, secondary.found_in),) if is_different else ()
    return replace(primary, candidates=(*primary.candidates, *extra, *secondary.candidates))


def fields_from_text(text: str) -> dict[str, Field]:
    """Return the values that `from_text` of the fields computes."""
    computed = [(name, compute(text)) for name, compute in _COMPUTED]
    return {name: Field(value, "body") for name, value in computed if value is not None}


def merge_fields(found: Mapping[str, Field], declared: Mapping[str, Field]) -> dict[str, Field]:
    """Prefer declared values to those of the text, but for computed fields; keep the others."""
    merged = {**found, **declared}
    for name in found.keys() & declared.keys():
        own, field = found[name], declared[name]
        is_own = field.value is None or FIELD_BY_NAME[name].is_computed
        merged[name] = merge_candidates(own, field) if is_own else merge_candidates(field, own)
    return merged
