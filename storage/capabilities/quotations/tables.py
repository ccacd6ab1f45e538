"""The tables of quotations, and of orders about the names of their speakers."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index
from sqlmodel import Field

from storage.database.tables.row import (
    Row,
    big_column,
    key_column,
    partial_index,
    text_column,
    time_column,
)


class QuotationRow(Row, table=True):
    """A quotation of a wording by one speaker: `derivation_id` is the reading that found it.

    `position` and `length` say where the text of the wording contains it, counted from 1; words
    that it does not contain, such as those of a caption, are in `words`.
    `person`, `surname` and `spoken` are the folded name, its last word, and the folded words of the
    text where they differ from the name (`storage.language.folded_names`). A hidden row has lost
    its words, because its speaker is left out of all lists.
    """

    __table_args__ = (
        partial_index("quotation_by_person", "person", where="person IS NOT NULL"),
        partial_index("quotation_by_surname", "surname", where="surname IS NOT NULL"),
        partial_index("quotation_hidden", "wording_id", where="is_hidden"),
        partial_index("quotation_by_spoken", "spoken", where="spoken IS NOT NULL"),
        {"sqlite_with_rowid": False},
    )
    wording_id: int = key_column()
    number: int = key_column()
    derivation_id: int = big_column()
    kind: str = Field(max_length=8)
    position: int | None = None
    length: int | None = None
    words: str | None = text_column()
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
    is_hidden: bool


class PersonRedactionRow(Row, table=True):
    """An order to leave a name out of all lists; `digest` is that of the folded name."""

    id: int = key_column()
    digest: str = text_column(nullable=False)
    reason: str = Field(max_length=24)
    actor: str = text_column(nullable=False)
    recorded_at: datetime = time_column()


class PersonRedactionLiftedRow(Row, table=True):
    """The end of such an order, which stays on record."""

    id: int = key_column()
    redaction_id: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    actor: str = text_column(nullable=False)
    recorded_at: datetime = time_column()


class PersonPartedRow(Row, table=True):
    """An order that a name means two persons in two articles.

    The articles are those of the two observations, `digest` is that of the folded name. `other_id`
    is null if the order is from another archive: the article then stands alone.
    """

    __table_args__ = (Index("person_parted_by_observation", "observation_id"),)
    id: int = key_column()
    observation_id: int = big_column()
    other_id: int | None = big_column(nullable=True)
    digest: str = text_column(nullable=False)
    actor: str = text_column(nullable=False)
    parted_at: datetime = time_column()
    recorded_at: datetime = time_column()


TABLES = (PersonRedactionRow, PersonRedactionLiftedRow, PersonPartedRow, QuotationRow)
QUOTATION = Row.metadata.tables["quotation"]
PERSON_REDACTION = Row.metadata.tables["person_redaction"]
PERSON_REDACTION_LIFTED = Row.metadata.tables["person_redaction_lifted"]
PERSON_PARTED = Row.metadata.tables["person_parted"]
