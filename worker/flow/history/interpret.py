"""Turn the answers of a web archive into captures."""

from collections.abc import Collection
from datetime import datetime

from storage.values.messages import message_text
from storage.values.refusals import refuse
from worker.flow.history.client import parse_memento_time
from worker.flow.history.listing import describe_answer
from worker.sources.containers.items import Foreign, PassedOver, RefusedDocument
from worker.sources.web_archives.capture import interpret_exchange
from worker.sources.web_archives.capture_list import ListedCapture
from worker.sources.web_archives.fetched_record import fetched_record, repeat_record
from worker.sources.web_archives.record_group import RecordGroup
from worker.text import detect_type
from worker.web.exchange import ServerAnswer


def interpret_repeat(capture: ListedCapture) -> Foreign | PassedOver | RefusedDocument:
    """Return a capture without bytes that has the digest of an earlier one."""
    group = RecordGroup(repeat_record(capture))
    return interpret_exchange(group, capture.address, "", detect_type, 0)


def interpret_answer(
    answer: ServerAnswer,
    capture: ListedCapture,
    name: str,
    limit: int,
    times: Collection[datetime],
) -> Foreign | PassedOver | RefusedDocument:
    """Return the capture in an answer of the web archive `name`.

    `times` are those of all listed captures. Only an answer with `Memento-Datetime` is a capture
    (RFC 7089); any other is an answer of the archive itself.
    """
    if answer.refused is not None and answer.refused.code == "not_text":
        return PassedOver(message_text("not_a_text"))
    if answer.refused is not None and answer.refused.code != "truncated_response":
        return RefusedDocument(capture.address, "", answer.refused)
    moment = parse_memento_time(answer.header("memento-datetime"))
    reason = None
    if answer.refused is not None:
        reason = answer.refused.message.rstrip(".")
    elif moment is None:
        reason = describe_answer(answer)
    elif moment != capture.observed_at and moment in times:
        return PassedOver(message_text("same_content"))
    elif moment != capture.observed_at:
        reason = message_text("other_capture", moment=f"{moment:%Y-%m-%d %H:%M:%SZ}")
    if reason is not None:
        refused = refuse("capture_unavailable", name=name, reason=reason)
        return RefusedDocument(capture.address, "", refused)
    record = fetched_record(capture, answer.status or 0, answer.reason, answer.headers, answer.body)
    return interpret_exchange(RecordGroup(record), capture.address, "", detect_type, limit)
