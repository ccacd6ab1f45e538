"""Collect what the parts of a page offer for each field, everything with where it stood."""

from collections.abc import Iterable, Mapping

from storage.values.draft import Candidate, Json
from worker.text.decode import replace_surrogates
from worker.text.page.layout.tree import FORBIDDEN

Candidates = Mapping[str, tuple[Candidate, ...]]

LONGEST_VALUE = 2000  # characters; a title or a description beyond that is an accident
MOST_VALUES = 200  # per field and per list


class Collection:
    """Candidates under way: values are squeezed, cut to a bound, and kept once per place."""

    def __init__(self) -> None:
        self._found: dict[str, dict[tuple[str, str], Candidate]] = {}
        self.truncated = False

    def add(self, field: str, value: Json, found_in: str) -> None:
        """Offer `value` for `field`; blank values are no offer."""
        bounded = self._bounded(value)
        if not bounded:
            return
        places = self._found.setdefault(field, {})
        if len(places) < MOST_VALUES:
            places.setdefault((repr(bounded), found_in), Candidate(bounded, found_in))

    def add_all(self, field: str, values: Iterable[Json], found_in: str) -> None:
        """Offer each of `values` for itself."""
        for value in values:
            self.add(field, value, found_in)

    def candidates(self) -> Candidates:
        """Return what was collected so far."""
        return {field: tuple(places.values()) for field, places in self._found.items()}

    def _bounded(self, value: Json) -> Json:
        if isinstance(value, str):
            if not value.isprintable():
                value = FORBIDDEN.sub("", replace_surrogates(value)[0])
            squeezed = " ".join(value.split())
            self.truncated = self.truncated or len(squeezed) > LONGEST_VALUE
            return squeezed[:LONGEST_VALUE]
        if isinstance(value, (list, tuple)):
            self.truncated = self.truncated or len(value) > MOST_VALUES
            return [kept for item in value[:MOST_VALUES] if (kept := self._bounded(item))]
        if isinstance(value, dict):
            return {key: self._bounded(item) for key, item in value.items()}
        return None
