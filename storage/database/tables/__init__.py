"""The tables of the core; `storage.database.tables.metadata` has those of capabilities as well.

The modules `record` and `log` define the record, which is append-only and guarded by triggers.
The state, which can be rebuilt or re-entered, is everything else.
Ids of the record and every `seq` come from one counter that is taken under the write lock, so
they rise in the order of commit (`storage.write.archive`).
"""

from sqlalchemy import ColumnElement, Table, literal_column

from storage.database.tables import log, outgoing, record, state
from storage.database.tables.row import Row

RECORD_MODULES, STATE_MODULES = (log, record), (outgoing, state)
"""The modules with the classes of the record and of the state, in the order of their facts."""
_TABLES = {name.upper(): table for name, table in Row.metadata.tables.items()}


def __getattr__(name: str) -> Table:
    """Return a table by its name in capitals, such as `CAPTURE`."""
    if name in _TABLES:
        return _TABLES[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


READY: ColumnElement[str] = literal_column("'ready'")
RUNNING: ColumnElement[str] = literal_column("'running'")
"""States of a job as literals: with a parameter, the partial index would not be used."""
OPEN = state.JobRow.__table__.c.state.in_([READY, RUNNING])
"""SQL condition that a job is open, in the words of the index `job_open`.

SQLite uses that index only without any other condition on the state: a running job has
a `lease_until`, a ready one has none.
"""
