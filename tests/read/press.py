"""A press that a test runs by hand: texts come and go at named hours, and an archive keeps them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from storage.record.presences import presences
from storage.record.reading import Reading
from storage.schedule import queue
from storage.values import job as jobs
from storage.values.arrivals.arrival import Arrival, FileStamp
from storage.values.draft import Draft, Extractor, Field, Mark, Paragraph
from storage.values.refusals import RefusalReason
from storage.values.verdict import Counts
from storage.write.archive import Archive
from storage.write.readings.store import load_unread, store_readings
from storage.write.store_captures import finish_scan, start_scan, store_arrivals
from tests.cli.small_archive import reading_of
from worker.flow.decide import decide

START = datetime(2024, 6, 18, tzinfo=UTC)


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


def draft(
    title: str,
    *paragraphs: str | Paragraph,
    language: str = "de",
    published: str = "2024-06",
    address: str | None = None,
    observed_at: datetime | None = None,
    **fields: object,
) -> Draft:
    precision = {4: "year", 7: "month", 10: "day"}[len(published)]
    date = {"value": published, "precision": precision, "zone": None, "found_in": "seed header"}
    return Draft(
        title=title,
        paragraphs=tuple(
            p if isinstance(p, Paragraph) else Paragraph("text", p) for p in paragraphs
        ),
        extractor=Extractor("test", "1", "plain"),
        fields={
            "language": Field(language, "given"),
            "published": Field(date, "seed header"),
            **{name: Field(value, "front matter") for name, value in fields.items()},
        },
        address=address,
        observed_at=observed_at,
    )


LEAD = Paragraph("lead", "Der Pegel der Lohe steigt.", (Mark("agency", 0, 3),))


class Press:
    """Scans a folder of drafts at one hour after the other."""

    def __init__(self, url: str, source: str = "seeds") -> None:
        self.now = START
        self.archive = Archive.open(url, clock=lambda: self.now)
        self.source = self.archive.ensure_source(source, "folder", source, standing=True)
        self.held: dict[str, Draft | RefusalReason | None] = {}

    def close(self) -> None:
        self.archive.close()

    def scan(
        self, at: float, *, complete: bool = True, **texts: Draft | RefusalReason | None
    ) -> int:
        """Check the folder at hour `at`: changed texts by name, None for one that is gone.

        Return the ingest job.
        """
        self.now = hour(at)
        with self.archive.unit() as unit:
            job = queue.add_job(unit, "ingest", "schedule", source_id=self.source.id)
        held = self._claimed(job)
        scan = start_scan(self.archive, self.source.id)
        changed = {name: text for name, text in texts.items() if text is not None}
        self.held |= changed
        arrivals = [self._arrival(name, text) for name, text in changed.items()]
        if arrivals:
            store_arrivals(self.archive, held, self.source.id, arrivals, scan)
        find_passages = self.archive.read(presences, self.source.id)
        absent = [find_passages[name, ""].place_id for name, text in texts.items() if text is None]
        finish_scan(
            self.archive,
            held, scan, complete=complete, listing_digest=None, files=len(self.held),
            changed=len(changed), absent=absent,
        )  # fmt: skip
        with self.archive.unit() as unit:
            queue.finish(unit, held, Counts())
        self.read(job)
        return job

    def capture_only(self, at: float, **texts: Draft | RefusalReason) -> int:
        """Keep the bytes of texts and leave them unread."""
        self.now = hour(at)
        self.held |= texts
        with self.archive.unit() as unit:
            job = queue.add_job(unit, "ingest", "command", source_id=self.source.id)
        held = self._claimed(job)
        arrivals = [self._arrival(name, text) for name, text in texts.items()]
        store_arrivals(self.archive, held, self.source.id, arrivals)
        with self.archive.unit() as unit:
            queue.finish(unit, held, Counts())
        return job

    def read(self, job: int) -> None:
        """Read the captures that the job left unread."""
        while True:
            with self.archive.unit() as unit:
                held = queue.claim(unit, 90.0, "test", families=job)
            if held is None:
                return
            readings = [self._reading(each) for each in load_unread(self.archive, held)[0]]
            store_readings(self.archive, held, readings, decide, done=True)

    def _claimed(self, job: int) -> jobs.Claim:
        with self.archive.unit() as unit:
            held = queue.claim(unit, 90.0, "test", job_id=job)
        assert held is not None
        return held

    def _arrival(self, name: str, text: Draft | RefusalReason) -> Arrival:
        raw = repr(text).encode()
        place = f"seed:{self.source.name}/{name}"
        return Arrival(
            place=place, locator=place, path=name, member="",
            stamp=FileStamp(len(raw), 1, 1, 1), observed_at=self.now, raw=raw,
            digest=sha256(raw).digest(), hints={"type": "seed", "name": f"{name}.txt"},
        )  # fmt: skip

    def _reading(self, captured) -> Reading:
        text = self.held[captured.locator.rpartition("/")[2]]
        if isinstance(text, RefusalReason):
            return Reading(captured, text, "seed")
        return reading_of(captured, text)


def usual_press_at(url: str) -> Press:
    """Open a copy of the usual press where `the_usual_press` left it."""
    press = Press(url)
    press.now = hour(6)
    press.held = dict.fromkeys(("pegel", "ferry", "kopie", "leer"))
    return press


def the_usual_press(url: str) -> Press:
    """An article in three versions (A, B, A), a copy, an English one that is gone, a refusal.

    The English one is parted into other paragraphs before it goes: that is noise.
    """
    from storage.values.refusals import refuse

    press = Press(url)
    a = draft("Der Damm hält", LEAD, "Er stieg um 3,6 Zentimeter.", "Helfer füllten Säcke.",
              authors=["Ada Lohe"], tags=["Hochwasser"], section="Region", publisher="Lohebote")  # fmt: skip
    b = draft("Der Damm hält", LEAD, "Er stieg um 36 Zentimeter.", "Helfer füllten Säcke.",
              authors=["Ada Lohe"], tags=["Hochwasser"], section="Region", publisher="Lohebote")  # fmt: skip
    spaced = replace(b, paragraphs=(*b.paragraphs[:2], Paragraph("text", "Helfer füllten  Säcke.")))
    ferry = draft("The ferry stays", "The ferry stays in the harbour.", "Waves were too high.",
                  language="en", published="2023-11-05")  # fmt: skip
    parted = (Paragraph("text", "The ferry stays in the harbour. Waves were too high."),)
    press.scan(0, pegel=a, ferry=ferry)
    press.scan(1)
    press.scan(2)
    press.scan(3, pegel=b)
    press.scan(4, kopie=spaced, leer=refuse("empty"), ferry=replace(ferry, paragraphs=parted))
    press.scan(5, pegel=a, ferry=None)
    press.scan(6)
    return press
