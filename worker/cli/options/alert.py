"""The options of `lesart alert`: which changes it reports, and to whom."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING

import typer

from storage.cli.exits import say
from storage.read.query.parameter import flag, option
from storage.read.query.queries import CONDITIONS, with_conditions
from storage.settings import Settings
from storage.values.change_class import ChangeClass
from storage.values.errors import AlertError
from storage.values.lazy import LazyModule
from storage.values.net.mail_server import MAIL_ADDRESS

if TYPE_CHECKING:
    from storage.history.alerts import rule as rules
    from storage.history.alerts.rule import AlertRule
    from storage.language import tokens
    from storage.read import archive as reader
    from storage.values.net import private_hosts
    from worker.alerts import by_apprise, webhook
    from worker.web import connection as connections
    from worker.web import credentials
else:
    rules = LazyModule("storage.history.alerts.rule")
    tokens = LazyModule("storage.language.tokens")
    reader = LazyModule("storage.read.archive")
    private_hosts = LazyModule("storage.values.net.private_hosts")
    by_apprise = LazyModule("worker.alerts.by_apprise")
    webhook = LazyModule("worker.alerts.webhook")
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
        values = [(each.name, getattr(self, each.name) or ()) for each in CONDITIONS]
        return rules.AlertRule(
            query=self.query, classes=tuple(self.classes or ()), silent=self.silent or None,
            source=self.source, language=self.language, article=article, passage=self.passage,
            languages=settings.languages,
            recorded=tuple((name, each) for name, those in values for each in those),
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
            webhook.hook_address(_revealed(each), network)
        for each in self.mail or ():
            if MAIL_ADDRESS.fullmatch(each) is None:
                raise AlertError(
                    f"--mail: {each!r} is not a mail address, such as ada@bote.example"
                )
        for each in self.apprise or ():
            by_apprise.require_address(_revealed(each))
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


def _revealed(text: str) -> str:
    try:
        return credentials.read_secret(text)
    except credentials.SecretError as error:
        raise AlertError(str(error)) from error
