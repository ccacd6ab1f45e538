"""Collect candidates for the fields of a page, each with its place on the page."""

from collections.abc import Iterable, Mapping

from storage.values.draft import Candidate, Json
from worker.text.decode import replace_surrogates
from worker.text.page.layout.tree import FORBIDDEN

Candidates = Mapping[str, tuple[Candidate, ...]]

MAX_LENGTH = 2000  # characters; longer titles or descriptions are errors
MAX_VALUES = 200  # per field and per list


class CandidateCollector:
    """Collects candidates: values are normalised, truncated, and stored once per place."""

    def __init__(self) -> None:
        self._by_field: dict[str, dict[tuple[str, str], Candidate]] = {}
        self.truncated = False

    def add(self, field: str, value: Json, place: str) -> None:
        """Add a candidate for `field`; blank values are ignored."""
        bounded = self._limit_value(value)
        if not bounded:
            return
        stored = self._by_field.setdefault(field, {})
        if len(stored) < MAX_VALUES:
            stored.setdefault((repr(bounded), place), Candidate(bounded, place))

    def add_all(self, field: str, values: Iterable[Json], place: str) -> None:
        """Add each of `values` as a candidate."""
        for value in values:
            self.add(field, value, place)

    def candidates(self) -> Candidates:
        """Return the candidates of each field."""
        return {field: tuple(stored.values()) for field, stored in self._by_field.items()}

    def _limit_value(self, value: Json) -> Json:
        if isinstance(value, str):
            if not value.isprintable():
                value = FORBIDDEN.sub("", replace_surrogates(value)[0])
            normalised = " ".join(value.split())
            self.truncated = self.truncated or len(normalised) > MAX_LENGTH
            return normalised[:MAX_LENGTH]
        if isinstance(value, (list, tuple)):
            self.truncated = self.truncated or len(value) > MAX_VALUES
            return [limited for item in value[:MAX_VALUES] if (limited := self._limit_value(item))]
        if isinstance(value, dict):
            return {key: self._limit_value(item) for key, item in value.items()}
        return None
