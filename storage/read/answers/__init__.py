"""The records that reading returns; the keys of their `to_dict()` are the fields of the contract.

Every row of a list carries `cursor`, an opaque text from which the same list continues.
"""

from storage.read.answers.articles import (
    ArticleLine,
    Change,
    ChangeEvent,
    Hit,
    NoiseStep,
    VersionLine,
)
from storage.read.answers.fronts import FrontStay, Teaser
from storage.read.answers.operation import (
    Coverage,
    EditFigures,
    EditHour,
    Job,
    JobProgress,
    OutgoingFigures,
    Refusal,
    Rows,
    SourceFigures,
    SourceRate,
    Stats,
    WorkFigures,
)
from storage.read.answers.relations import Difference, ExplainedRelation, Explanation, Relation
from storage.read.answers.texts import (
    Blame,
    Citation,
    Diff,
    Digests,
    Observation,
    ObservationSpan,
    OutsideCopy,
    Raw,
    Rights,
    RightsDeclaration,
    Sentence,
    UnconfirmedReading,
    VersionText,
)

__all__ = [
    "ArticleLine",
    "Blame",
    "Change",
    "ChangeEvent",
    "Citation",
    "Coverage",
    "Diff",
    "Difference",
    "Digests",
    "EditFigures",
    "EditHour",
    "ExplainedRelation",
    "Explanation",
    "FrontStay",
    "Hit",
    "Job",
    "JobProgress",
    "NoiseStep",
    "Observation",
    "ObservationSpan",
    "OutgoingFigures",
    "OutsideCopy",
    "Raw",
    "Refusal",
    "Relation",
    "Rights",
    "RightsDeclaration",
    "Rows",
    "Sentence",
    "SourceFigures",
    "SourceRate",
    "Stats",
    "Teaser",
    "UnconfirmedReading",
    "VersionLine",
    "VersionText",
    "WorkFigures",
]
