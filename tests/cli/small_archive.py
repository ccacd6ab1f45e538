"""A small archive that is written the real way: captures, drafts, verdicts, versions."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path

from storage.language.sentences import sentence_keys
from storage.language.vocabulary import tokens_of
from storage.record.reading import Reading
from storage.schedule import queue
from storage.values import job as jobs
from storage.values.arrivals.arrival import Arrival, FileStamp
from storage.values.digest import canonical_all, digest_of_parts
from storage.values.draft import Draft, Extractor, Field, Paragraph, Quote
from storage.values.refusals import RefusalReason, refuse
from storage.write.archive import Archive
from storage.write.readings.store import load_unread, store_readings
from storage.write.store_captures import store_arrivals
from worker.flow.decide import decide

START = datetime(2024, 6, 18, 12, tzinfo=UTC)
EXTRACTOR = Extractor("test", "1", "")

PEGEL = "Der Pegel der Lohe stieg in der Nacht um {} Zentimeter, sagte die Leiterin des Deichamts."
DAMM = "Freiwillige füllten bis zum Morgen Sandsäcke und sicherten die Straße nach Niederlohe."


def make_archive(path: Path) -> None:
    """Make the archive at `path`; its clock advances by a minute with each reading."""
    moments = (START + timedelta(minutes=number) for number in count())
    with Archive.open(path, clock=lambda: next(moments)) as archive:
        write_archive(archive)


def write_archive(archive: Archive) -> None:
    """Keep an article in two versions, a copy of the second, another one, and a refusal."""
    source = archive.ensure_source("seeds", "folder", "seeds", standing=True, every_seconds=60.0)
    for texts in (
        {"pegel.txt": draft("Der Damm hält", PEGEL.format("3,6"), DAMM)},
        {"pegel.txt": draft("Der Damm hält", PEGEL.format("36"), DAMM)},
        {
            "kopie.txt": draft("Der Damm hält", PEGEL.format("36"), DAMM),
            "ferry.txt": draft(
                "=Ferry\x1b[31m stays", "The ferry stays in the harbour.", language="en"
            ),
            "leer.txt": refuse("empty"),
        },
    ):
        _ingest(archive, source.id, texts)


def draft(title: str, *paragraphs: str, language: str = "de") -> Draft:
    fields = {
        "language": Field(language, "given"),
        "published": Field(
            {"value": "2024-06", "precision": "month", "zone": None, "found_in": "seed header"},
            "seed header",
        ),
        "authors": Field(["Ada Lohe", "Bo Wiek"], "byline"),
        "embargoed": Field(
            {"value": "2024-06-18", "precision": "day", "zone": None, "found_in": "embargo line"},
            "embargo line",
        ),
    }
    roles = ("lead", *["text"] * (len(paragraphs) - 1))
    return Draft(
        title=title,
        paragraphs=tuple(
            Paragraph(role, text) for role, text in zip(roles, paragraphs, strict=True)
        ),
        extractor=EXTRACTOR,
        fields=fields,
        flags=("date_missing",) if language == "en" else (),
        indirect_quotes=tuple(
            Quote(said, speaker.rstrip("."), "sagte", number, kind="indirect")
            for number, (said, verb, speaker) in enumerate(
                each.partition(", sagte ") for each in paragraphs
            )
            if verb
        ),
    )


def _ingest(archive: Archive, source: int, texts: dict[str, Draft | RefusalReason]) -> None:
    with archive.unit() as unit:
        parent = queue.add_job(unit, "ingest", "command", source_id=source)
    held = _claim(archive, parent)
    store_arrivals(archive, held, source, [_arrival(archive, name, texts[name]) for name in texts])
    with archive.unit() as unit:
        queue.finish(unit, held, queue.Counts())
    with archive.unit() as unit:
        reading = queue.claim(unit, 90.0, "test", families=parent)
    assert reading is not None
    found = [_reading(item, texts) for item in load_unread(archive, reading)[0]]
    store_readings(archive, reading, found, decide, done=True)


def _claim(archive: Archive, job: int) -> jobs.Claim:
    with archive.unit() as unit:
        held = queue.claim(unit, 90.0, "test", job_id=job)
    assert held is not None
    return held


def _arrival(archive: Archive, name: str, outcome: Draft | RefusalReason) -> Arrival:
    raw = repr(outcome).encode()
    return Arrival(
        place=f"seed:seeds/{name}",
        locator=f"seed:seeds/{name}",
        path=name,
        member="",
        stamp=FileStamp(len(raw), 1, 1, 1),
        observed_at=archive.clock(),
        raw=raw,
        digest=sha256(raw).digest(),
        hints={"type": "seed", "name": name},
    )


def _reading(captured, texts) -> Reading:
    outcome = texts[captured.locator.rpartition("/")[2]]
    if isinstance(outcome, RefusalReason):
        return Reading(captured, outcome, "seed")
    return reading_of(captured, outcome)


def reading_of(captured, draft: Draft) -> Reading:
    """Return the reading of a capture as a draft, without what finds copies of it."""
    parts = [draft.title or "", *draft.text_paragraphs()]
    canon = canonical_all(parts)
    return Reading(
        captured, draft, "seed", digest=digest_of_parts(canon),
        tokens=tokens_of(parts, draft.fields["language"].value),
        sentence_keys=sentence_keys(canon[1:]),
    )  # fmt: skip
