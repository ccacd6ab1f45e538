"""What `lesart verify` does in storage: every digest and invariant computed again.

Nothing is repaired. What a redaction took away is counted, and is no finding.
"""

from collections.abc import Callable, Iterator
from itertools import count

from sqlalchemy import Connection, Engine

from storage.verify import history as check_history
from storage.verify import record as check_record
from storage.verify.finding import Broken, Check, Looked

Progress = Callable[[str, int], None]
REPORT_EVERY = 500

CHECKS: tuple[tuple[str, Check], ...] = (
    ("database", check_record.database),
    ("guards", check_record.guards),
    ("origins", check_record.origins),
    ("captures", check_record.captures),
    ("foreign_records", check_record.foreign_records),
    ("wordings", check_record.wordings),
    ("derivations", check_record.derivations),
    ("references", check_record.references),
    ("agreement", check_record.agreement),
    ("verdicts", check_record.verdicts),
    ("jobs", check_record.jobs),
    ("articles", check_history.articles),
    ("search", check_record.full_text),
)
"""The checks by name, in the order in which they are made."""


class Verification:
    """One pass over an archive, in one view of it, whatever is written meanwhile.

    `looked` counts, by the name of a check, what it looked at; `redacted` what was taken away
    and is told so.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.looked = dict.fromkeys((name for name, _check in CHECKS), 0)
        self.redacted = 0

    def findings(self, progress: Progress | None = None) -> Iterator[Broken]:
        """Yield what is broken as it is found; `progress` hears the check and its count."""
        with self._engine.connect() as connection:
            steady = _steady(connection)
            for name, check in CHECKS:
                yield from self._made(name, check(steady), progress)

    def _made(
        self, name: str, looks: Iterator[Looked | Broken], progress: Progress | None
    ) -> Iterator[Broken]:
        for number in count():
            if progress is not None and number % REPORT_EVERY == 0:
                progress(name, self.looked[name])
            look = next(looks, None)
            match look:
                case None:
                    break
                case Broken():
                    yield look
                case Looked(redacted=redacted):
                    self.looked[name] += 1
                    self.redacted += redacted
        if progress is not None:
            progress(name, self.looked[name])


def _steady(connection: Connection) -> Connection:
    """Return the connection so that all its queries see the same moment."""
    if connection.dialect.name == "postgresql":
        return connection.execution_options(isolation_level="REPEATABLE READ")
    return connection
