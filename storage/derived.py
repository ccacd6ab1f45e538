"""What is needed to derive each text again from its captured bytes."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Engine, select

from storage.packing import DamagedBytesError, unpack
from storage.record import Extractor
from storage.tables import CaptureRow, DerivationRow, WordingRow
from storage.writing import table_of

CAPTURE, DERIVATION, WORDING = table_of(CaptureRow), table_of(DerivationRow), table_of(WordingRow)
STREAMED_ROWS = 50


@dataclass(frozen=True, slots=True)
class Derived:
    """A derivation that was kept: `context` is JSON, `digest` that of its wording."""

    id: int
    raw: bytes
    context: str
    extractor: Extractor
    digest: bytes


def derivations(engine: Engine) -> Iterator[Derived]:
    """Yield the derivations whose bytes are still there and whole, oldest first."""
    query = (
        select(
            DERIVATION.c.id,
            CAPTURE.c.encoding,
            CAPTURE.c.data,
            DERIVATION.c.context,
            DERIVATION.c.extractor,
            DERIVATION.c.extractor_version,
            DERIVATION.c.config,
            WORDING.c.digest,
        )
        .join(CAPTURE, CAPTURE.c.id == DERIVATION.c.capture_id)
        .join(WORDING, WORDING.c.id == DERIVATION.c.wording_id)
        .where(CAPTURE.c.data.is_not(None))
        .order_by(DERIVATION.c.id)
    )
    with engine.connect() as connection:
        streamed = connection.execution_options(yield_per=STREAMED_ROWS).execute(query)
        for number, encoding, data, context, name, version, config, digest in streamed:
            try:
                raw = unpack(encoding, data)
            except DamagedBytesError:
                continue  # the check of captures tells it
            yield Derived(number, raw, context, Extractor(name, version, config), bytes(digest))
