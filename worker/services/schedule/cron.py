"""Cron expressions as triggers of APScheduler."""

import re
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from storage.values.messages import message_text

CRON_WEEKDAYS = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>[1-9]\d*))?")
"""One part of the weekday field.

>>> CRON_WEEKDAYS.fullmatch("1-5/2").groups()
('1', '5', '2')
"""
DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class LocalCronTrigger(CronTrigger):
    """A cron trigger whose days begin at midnight also where the offset of the zone changes.

    APScheduler adds the hours of a day to the last midnight: after a night that lost an hour, it
    goes on at 01:00 and finds nothing that is due before.
    """

    def _increment_field_value(self, dateval: datetime, fieldnum: int) -> tuple[datetime, int]:
        found, number = super()._increment_field_value(dateval, fieldnum)
        passed = found.astimezone(UTC) - dateval.astimezone(UTC)
        local = dateval.replace(tzinfo=None) + passed
        is_midnight = local.time() == time.min
        return (local.replace(tzinfo=self.timezone) if is_midnight else found), number


class CronError(ValueError):
    """A cron expression is invalid."""

    def __init__(self, expression: str, reason: str) -> None:
        super().__init__(message_text("cron_invalid", expression=expression, reason=reason))
        self.expression, self.reason = expression, reason


def cron_trigger(expression: str, zone: ZoneInfo) -> BaseTrigger:
    """Return the trigger of a crontab line of five fields, in which 0 and 7 are Sunday.

    If both a day of the month and a weekday are given, either matches, as in every crontab.

    Raises: CronError.

    >>> str(cron_trigger("0 6 * * 1-5", ZoneInfo("UTC")).fields[4])
    'mon,tue,wed,thu,fri'
    """
    fields = expression.split()
    if len(fields) != 5:
        raise CronError(expression, message_text("cron_fields"))
    minute, hour, day, month, weekday = fields
    try:
        days = [(day, _weekdays(weekday))]
        if "*" not in {day[0], weekday[0]}:
            days = [(day, "*"), ("*", _weekdays(weekday))]
        triggers = [
            LocalCronTrigger(
                minute=minute, hour=hour, day=each, month=month, day_of_week=names, timezone=zone
            )
            for each, names in days
        ]
    except (ValueError, IndexError) as error:
        raise CronError(expression, str(error)) from error
    return triggers[0] if len(triggers) == 1 else OrTrigger(triggers)


def _weekdays(field: str) -> str:
    """Translate weekday numbers: crontab counts from Sunday, APScheduler from Monday."""
    found: set[int] = set()
    for part in field.lower().split(","):
        parts = CRON_WEEKDAYS.fullmatch(part)
        if parts is None:
            raise ValueError(message_text("cron_weekdays", name=part))
        found.update(_weekday_range(parts["first"], parts["last"], parts["step"]))
    return ",".join(DAY_NAMES[number] for number in sorted(found))


def _weekday_range(first: str, last: str | None, step: str | None) -> set[int]:
    if first == "*":
        numbers = range(7)
    else:
        low = _weekday(first)
        high = low if last is None and step is None else 6 if last is None else _weekday(last)
        numbers = range(low, (7 if high == 0 < low else high) + 1)
    if not numbers:
        raise ValueError(message_text("cron_order", first=first, last=last))
    return {number % 7 for number in numbers[:: int(step or 1)]}


def _weekday(name: str) -> int:
    if name in DAY_NAMES:
        return DAY_NAMES.index(name)
    if not name.isdecimal() or int(name) > 7:
        raise ValueError(message_text("cron_weekday", name=name))
    return int(name)
