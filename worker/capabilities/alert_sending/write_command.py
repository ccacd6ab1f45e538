"""The commands `lesart alert …`: alerts and their deliveries."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from storage.cli.app import command_group
from storage.cli.exits import NO, say
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.cli.output import write_record, write_rows
from storage.cli.report import name_articles, report_list
from storage.read.query.parameter import argument, flag, option
from storage.read.query.queries import PageOptions, given_conditions, with_conditions
from storage.settings import Settings
from storage.values.change_class import ChangeClass
from storage.values.errors import AlertError
from storage.values.lazy import LazyModule
from storage.values.net import private_hosts
from storage.values.net.mail_server import MAIL_ADDRESS
from worker.cli.opened import opened_archive

if TYPE_CHECKING:
    from storage.capabilities.alert_sending import manage
    from storage.history.alerts import lists
    from storage.history.alerts import rule as rules
    from storage.history.alerts.lists import Channel
    from storage.history.alerts.rule import AlertRule
    from storage.language import tokens
    from storage.read import archive as reader
    from storage.read import lists as reading_lists
    from worker.capabilities.alert_sending import by_apprise, sample, webhook
    from worker.web import connection as connections
    from worker.web import credentials
else:
    lists = LazyModule("storage.history.alerts.lists")
    reading_lists = LazyModule("storage.read.lists")
    manage = LazyModule("storage.capabilities.alert_sending.manage")
    sample = LazyModule("worker.capabilities.alert_sending.sample")
    rules = LazyModule("storage.history.alerts.rule")
    tokens = LazyModule("storage.language.tokens")
    reader = LazyModule("storage.read.archive")
    by_apprise = LazyModule("worker.capabilities.alert_sending.by_apprise")
    webhook = LazyModule("worker.capabilities.alert_sending.webhook")
    connections = LazyModule("worker.web.connection")
    credentials = LazyModule("worker.web.credentials")

DEFAULT_HOUR = "07:00"
SHORTEST_PASSAGE, LONGEST_PASSAGE = 8, 4_000


def _alert_classes() -> list[str]:
    return [*ChangeClass, rules.GONE]


def _alert_class(text: str) -> str:
    """Parse a change class or `gone`."""
    if text not in (names := _alert_classes()):
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(names)}")
    return text


@dataclass(frozen=True, slots=True)
@with_conditions
class ChangeSelection:
    """Options that select the changes of an alert."""

    query: str | None = option(
        "--query", "QUERY", "Only changes of texts that contain, or contained, these words."
    )
    classes: list[str] | None = option(
        "--class",
        "C",
        "Only changes of this class, or gone; repeatable (default: all classes).",
        parser=_alert_class,
        autocompletion=_alert_classes,
    )
    silent: bool = flag(
        "--silent", "Only silent changes: no update time or correction notice on the page."
    )
    passage: str | None = option(
        "--passage", "TEXT", "Only changes that alter or remove this passage."
    )
    article: str | None = option("--article", "ARTICLE", "Only changes to this article.")
    source: str | None = option(
        "--source", "NAME", "Only changes of articles from the source NAME."
    )
    language: str | None = option(
        "--language", "L", "Only changes of articles in this language, such as de."
    )

    def rule(self, settings: Settings) -> "AlertRule":
        """Return the rule, after checking that what it names exists.

        Raises: AlertError, NoSuchError, SearchQueryError.
        """
        if self.passage is not None and not (
            SHORTEST_PASSAGE <= len(self.passage.strip()) <= LONGEST_PASSAGE
        ):
            bounds = f"{SHORTEST_PASSAGE} to {LONGEST_PASSAGE:,} characters"
            raise AlertError(f"--passage: the text must have {bounds}")
        article = self.article
        with reader.open_with_settings(settings) as archive:
            if article is not None:
                article = archive.article(article).article
            archive.require_named({"source": self.source, "language": self.language})
        if self.query is not None:
            tokens.parse_search(self.query, settings.languages)
        return rules.AlertRule(
            query=self.query, classes=tuple(self.classes or ()), silent=self.silent or None,
            source=self.source, language=self.language, article=article, passage=self.passage,
            languages=settings.languages,
            recorded=tuple(
                (name, each) for name, those in given_conditions(self).items() for each in those
            ),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Targets:
    """Options that select the recipients of an alert."""

    webhook: list[str] | None = option(
        "--webhook", "URL", "Post to URL, or to the URL in @FILE or $VARIABLE; repeatable."
    )
    mail: list[str] | None = option("--mail", "ADDRESS", "Send mails to this address; repeatable.")
    apprise: list[str] | None = option(
        "--apprise",
        "URL",
        "Send to an Apprise URL, or to the one in @FILE or $VARIABLE; repeatable.",
    )
    daily: bool = flag(
        "--daily", "Send one mail or Apprise message per day (default: one per change)."
    )
    at: str | None = option(
        "--at", "HH:MM", f"With --daily: time of the daily message (default: {DEFAULT_HOUR})."
    )

    def checked(self, settings: Settings) -> list[tuple[str, str]]:
        """Return the valid channel kinds and addresses.

        Raises: AlertError.
        """
        network = connections.Network(private_hosts.hosts_by_port(settings.allow_hosts))
        for each in self.webhook or ():
            webhook.hook_address(_reveal_secret(each), network)
        for each in self.mail or ():
            if MAIL_ADDRESS.fullmatch(each) is None:
                raise AlertError(
                    f"--mail: {each!r} is not a mail address, such as ada@bote.example"
                )
        for each in self.apprise or ():
            by_apprise.require_address(_reveal_secret(each))
        if self.mail and settings.mail_url is None:
            say("no mail server is configured: mails wait until you set LESART_MAIL_URL")
        kinds = (("webhook", self.webhook), ("mail", self.mail), ("apprise", self.apprise))
        return [(kind, target) for kind, given in kinds for target in given or ()]

    def daily_at(self) -> str | None:
        """Return the local time of the daily message; None without `--daily`.

        Raises: AlertError.
        """
        if self.at is not None and not self.daily:
            raise AlertError("--at requires --daily")
        at = self.at or DEFAULT_HOUR
        with suppress(ValueError):
            if f"{time.fromisoformat(at):%H:%M}" == at:
                return at if self.daily else None
        raise AlertError(f"--at: {at!r} is not a time of the form HH:MM, such as {DEFAULT_HOUR}")


def _reveal_secret(text: str) -> str:
    try:
        return credentials.read_secret(text)
    except credentials.SecretError as error:
        raise AlertError(str(error)) from error


alerts = command_group("alert")
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the alert.")]
State = Literal["waiting", "sent", "failed", "dead", "damped"]


@command(alerts, "add", example="lesart alert add pegel --query Pegelstand --mail ada@bote.example")
def add(
    *,
    name: Name,
    place: ArchiveOptions,
    output: OutputOptions,
    selection: ChangeSelection,
    targets: Targets,
) -> None:
    """Create an alert for future changes; the key of a webhook is shown only now."""
    settings = place.settings()
    where, daily_at = targets.checked(settings), targets.daily_at()
    rule = selection.rule(settings)
    with opened_archive(settings) as archive:
        made = archive.transact(
            manage.add, name, rule, where, daily_at=daily_at,
            timezone=settings.timezone,
        )  # fmt: skip
    rows = [
        {"alert": name, "channel": kind, "target": target_shown(kind, target),
         "secret": made.get(target) if kind == "webhook" else None}
        for kind, target in where
    ]  # fmt: skip
    write_rows(rows, output.target(), ("alert", "channel", "target", "secret"), blocks=True)


CONDITION_FIELDS = {
    {"classes": "class"}.get(each.name, each.name): each.name for each in fields(ChangeSelection)
}
CLEARABLE = (*CONDITION_FIELDS, "daily")
"""The conditions and settings that `lesart alert edit --clear` removes."""
CLEAR_HELP = f"Remove this condition, or the daily message; repeatable: {', '.join(CLEARABLE)}."


def _clearable(text: str) -> str:
    if text not in CLEARABLE:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(CLEARABLE)}")
    return text


@command(alerts, "edit", example="lesart alert edit pegel --class number --clear query")
def edit(
    *,
    name: Name,
    place: ArchiveOptions,
    output: OutputOptions,
    selection: ChangeSelection,
    targets: Targets,
    clear: list[str] | None = option(
        "--clear",
        "CONDITION",
        CLEAR_HELP,
        parser=_clearable,
        autocompletion=lambda: [*CLEARABLE],
    ),
) -> None:
    """Change the conditions, targets or daily time of an alert.

    Options replace values; other values remain. --mail, --webhook and --apprise replace all targets
    of their kind. The key of a new webhook is shown only now.
    """
    settings, cleared = place.settings(), {*(clear or ())}
    with opened_archive(settings) as archive:
        with archive.read_connection() as connection:
            found = lists.alert(connection, name)
        where = targets.checked(settings)
        kinds = {
            kind: [target for each, target in where if each == kind] for kind, _target in where
        }
        daily_at = found.daily_at if targets.at is None and not targets.daily else None
        daily_at = None if "daily" in cleared else daily_at or targets.daily_at()
        rule = _merge_conditions(found.rule, selection, cleared).rule(settings)
        made = archive.transact(manage.edit, name, rule, kinds, daily_at)
    rows = [
        {"alert": name, "target": target_shown("webhook", target), "secret": secret}
        for target, secret in made.items()
    ]
    write_rows(rows, output.target(), ("alert", "target", "secret"))
    say(f"changed alert {name}; `lesart alert show {name}` shows it")


def _merge_conditions(
    rule: "AlertRule", selection: ChangeSelection, cleared: AbstractSet[str]
) -> ChangeSelection:
    """Return the conditions of an edited alert."""
    known = {**rule.kept, "classes": list(rule.classes), "silent": bool(rule.silent)}
    values: dict[str, Any] = {
        each.name: getattr(selection, each.name) or known.get(each.name)
        for each in fields(ChangeSelection)
    }
    for part in cleared - {"daily"}:
        values[CONDITION_FIELDS[part]] = None
    return ChangeSelection(**values | {"silent": bool(values["silent"])})


@command(alerts, "list", example="lesart alert list")
def list_alerts(*, place: ArchiveOptions, output: OutputOptions) -> None:
    """List alerts with the number of deliveries by state, without secrets."""
    with opened_archive(place.settings()) as archive, archive.read_connection() as connection:
        found, numbers = lists.alerts(connection), lists.counts(connection)
        ways = lists.channels(connection, [each.id for each in found])
    names = ("alert", "rule", "channels", "daily_at", "paused", *lists.STATES)
    rows = [_row(each, ways) | numbers[each.name] for each in found]
    report_list(rows, output.target(), names, empty="no alerts: create one with `lesart alert add`")


@command(alerts, "show", example="lesart alert show pegel")
def show(*, name: Name, place: ArchiveOptions, output: OutputOptions) -> None:
    """Show one alert, without secrets."""
    with opened_archive(place.settings()) as archive, archive.read_connection() as connection:
        found, numbers = lists.alert(connection, name), lists.counts(connection)
        ways = lists.channels(connection, [found.id])
    facts = {"timezone": found.timezone, "created_at": found.created_at.isoformat()}
    write_record(_row(found, ways) | facts | numbers[name], output.target())


@command(alerts, "test", example="lesart alert test pegel")
def test(*, name: Name, place: ArchiveOptions, output: OutputOptions) -> None:
    """Send a sample through each channel of an alert; exit code 1 means that one failed."""
    settings = place.settings()
    with opened_archive(settings) as archive:
        found = sample.send_samples(archive, settings, name)
    rows = [
        {"channel": channel.kind, "target": target_shown(channel.kind, channel.target),
         "arrived": each.arrived, "answer": each.answer}
        for channel, each in found
    ]  # fmt: skip
    write_rows(rows, output.target(), ("channel", "target", "arrived", "answer"))
    if not all(each.arrived for _channel, each in found):
        raise typer.Exit(NO)


@command(alerts, "pause", example="lesart alert pause pegel")
def pause(*, name: Name, place: ArchiveOptions) -> None:
    """Pause an alert until `lesart alert resume`."""
    with opened_archive(place.settings()) as archive:
        archive.transact(manage.pause, name)
    say(f"paused alert {name}; `lesart alert resume {name}` resumes it")


@command(alerts, "resume", example="lesart alert resume pegel")
def resume(*, name: Name, place: ArchiveOptions) -> None:
    """Resume an alert; it reports changes from now on."""
    with opened_archive(place.settings()) as archive:
        archive.transact(manage.resume, name)
    say(f"resumed alert {name}; it reports changes from now on")


@command(alerts, "rotate", example="lesart alert rotate pegel")
def rotate(*, name: Name, place: ArchiveOptions, output: OutputOptions) -> None:
    """Create new keys for the webhooks of an alert, shown only now.

    The old key signs too until the next rotation.
    """
    with opened_archive(place.settings()) as archive:
        made = archive.transact(manage.rotate, name)
    rows = [
        {"alert": name, "target": target_shown("webhook", target), "secret": secret}
        for target, secret in made.items()
    ]
    names, empty = (
        ("alert", "target", "secret"),
        f"alert {name} has no webhooks: no key was changed",
    )
    report_list(rows, output.target(), names, blocks=True, empty=empty)


@command(alerts, "remove", example="lesart alert remove pegel")
def remove(*, name: Name, place: ArchiveOptions) -> None:
    """Delete an alert with its addresses, keys and deliveries."""
    with opened_archive(place.settings()) as archive:
        archive.transact(manage.remove, name)
    say(f"deleted alert {name} and its deliveries")


@command(alerts, "log", example="lesart alert log pegel --state dead")
def log(
    *,
    name: str | None = argument("NAME", "Name of the alert (default: all alerts).", None),
    place: ArchiveOptions,
    output: OutputOptions,
    page: PageOptions,
    state: State | None = option(
        "--state", None, "Only deliveries in this state (default: all states)."
    ),
) -> None:
    """List deliveries with state and reason, newest first."""
    with opened_archive(place.settings()) as archive, archive.read_connection() as connection:
        if name is not None:
            lists.alert(connection, name)
        rows: Iterator[Any] = lists.deliveries(
            connection, name=name, state=state, after=page.after, limit=page.limit
        )
        columns = (
            "made_at", "alert", "channel", "outlet", "title", "why", "state", "note", "kind",
            "article", "version",
        )  # fmt: skip
        target = output.target()
        if target.chosen == "table":
            rows = name_articles(rows, partial(reading_lists.names, connection))
        report_list(rows, target, shown=columns, empty="no deliveries found")


@command(alerts, "retry", example="lesart alert retry pegel")
def retry(*, name: Name, place: ArchiveOptions, output: OutputOptions) -> None:
    """Retry deliveries that were given up."""
    with opened_archive(place.settings()) as archive:
        number = archive.transact(manage.retry, name)
    write_rows([{"alert": name, "waiting": number}], output.target())


def target_shown(kind: str, target: str) -> str:
    """Return a target for display: of a URL only the host, because the rest may be a secret.

    >>> target_shown("webhook", "https://hooks.example/services/T0/B0/geheim")
    'https://hooks.example/…'
    >>> target_shown("mail", "ada@bote.example"), target_shown("apprise", "slack://a/b/c")
    ('ada@bote.example', 'slack://…')
    """
    if kind == "mail" or target.startswith(("@", "$")):
        return target
    scheme, _, rest = target.partition("://")
    host = rest.partition("/")[0] if kind == "webhook" else ""
    return f"{scheme}://{host}/…" if host else f"{scheme}://…"


def _row(alert: Any, ways: Sequence["Channel"]) -> dict[str, Any]:
    rule = {name: value for name, value in alert.rule.kept.items() if name != "languages"}
    own = [target_shown(each.kind, each.target) for each in ways if each.alert_id == alert.id]
    return {"alert": alert.name, "rule": rule, "channels": own, "daily_at": alert.daily_at,
            "paused": alert.paused}  # fmt: skip
