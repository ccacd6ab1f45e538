"""The table of quotations: one row per quotation of a wording and speaker."""

from sqlalchemy import Index
from sqlmodel import Field

from storage.database.tables.row import Row, big_column, key_column, partial_index, text_column


class QuotationRow(Row, table=True):
    """A quotation of a wording by one speaker: `derivation_id` is the reading that found it.

    `person`, `surname` and `spoken` are the folded name, its last word, and the folded words of the
    text where they differ from the name (`storage.language.folded_names`).
    """

    __table_args__ = (
        partial_index("quotation_by_person", "person", where="person IS NOT NULL"),
        partial_index("quotation_by_surname", "surname", where="surname IS NOT NULL"),
        partial_index("quotation_by_spoken", "spoken", where="spoken IS NOT NULL"),
        Index("quotation_by_derivation", "derivation_id"),
    )
    wording_id: int = key_column()
    number: int = key_column()
    derivation_id: int = big_column()
    kind: str = Field(max_length=8)
    text: str = text_column(nullable=False)
    speaker: str | None = text_column()
    name: str | None = text_column()
    office: str | None = text_column()
    speaker_kind: str = Field(max_length=16)
    cue: str | None = text_column()
    paragraph: int
    confidence: float | None = None
    person: str | None = text_column()
    surname: str | None = text_column()
    spoken: str | None = text_column()


TABLES = (QuotationRow,)
QUOTATION = Row.metadata.tables["quotation"]
