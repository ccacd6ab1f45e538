"""Match alerts and send due deliveries; no transaction is open while a message is sent."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial

from storage.capabilities.alert_sending import outbox
from storage.capabilities.alert_sending.outbox import Message
from storage.capabilities.alert_sending.store import match
from storage.database.engine import read_connection
from storage.database.outgoing import ALERTS, free_abandoned, record, retry_later
from storage.database.unit import Clock
from storage.history.alerts import lists
from storage.read.archive import ReadOnlyArchive, open_with_settings
from storage.settings import Settings
from storage.values.failures import brief, is_foreseen
from storage.values.messages import message_text
from storage.values.net.mail_server import read_mail_server
from storage.values.net.private_hosts import hosts_by_port
from storage.write.archive import Archive
from worker.capabilities.alert_sending import by_apprise, mail, webhook
from worker.capabilities.alert_sending.alert_entry import AlertEntry, entry_of
from worker.capabilities.alert_sending.sending import Sending
from worker.log import LOG
from worker.services.schedule.act import PeriodicAct, Services
from worker.web.connection import Network
from worker.web.headers import user_agent

THREADS = 8
SECONDS = 30
"""Time limit of one query for a message, in seconds."""
GONE = message_text("change_gone")
BACK = message_text("no_correction")
NO_MAIL = message_text("mail_missing")

Send = Callable[[], Sending]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The archive, settings and network that messages are sent with."""

    archive: Archive
    settings: Settings
    network: Network
    archive_id: str

    @property
    def clock(self) -> Clock:
        return self.archive.clock


def outgoing(archive: Archive, settings: Settings) -> Outgoing:
    """Return the means to send messages of an archive."""
    network = Network(hosts_by_port(settings.allow_hosts), settings.ca_file)
    with read_connection(archive.engine) as connection:
        return Outgoing(archive, settings, network, lists.archive_id(connection))


def work(
    archive: Archive,
    settings: Settings,
    *,
    is_over: Callable[[], bool] = lambda: False,
) -> int:
    """Create new deliveries, send the due ones, and return the number of messages that arrived."""
    match(archive.engine, archive.clock)
    free_abandoned(archive.engine, ALERTS)
    arrived = 0
    if not outbox.waits(archive.engine):
        return arrived
    way = outgoing(archive, settings)
    with open_with_settings(settings) as reading, ThreadPoolExecutor(THREADS) as threads:
        while not is_over() and (messages := outbox.claim(archive.engine)):
            arrived += _send_all(way, reading, threads, messages)
    return arrived


def message_id(way: Outgoing, number: int) -> str:
    """Return the id of a message: unique to this archive and equal at each attempt."""
    return f"msg_{way.archive_id[:12]}_{number}"


def sending_of(
    way: Outgoing, message: Message, entries: Sequence[AlertEntry], *, kind: str = "change"
) -> Send:
    """Return a function that sends a message; `kind` is the event type of a webhook."""
    name, target, settings = message.alert.name, message.channel.target, way.settings
    number = message_id(way, message.id)
    corrected = [message_id(way, each.corrects) for each in entries if each.corrects is not None]
    if message.channel.kind == "webhook":
        data = {"alert": name, **entries[0].data}
        if corrected:
            kind, data["corrects"] = lists.WITHDRAWN, corrected[0]
        since = min((each.made_at for each in message.items), default=way.clock())
        body = webhook.body_of(kind, since, data)
        return partial(
            webhook.post, way.network, target, agent=user_agent(settings),
            secrets=message.channel.secrets, message_id=number, body=body, now=way.clock(),
        )  # fmt: skip
    words = mail.MailWords(settings.page_language, settings.zone)
    subject = mail.mail_subject(name, entries, words)
    footer = mail.mail_footer(name, f"{settings.page_base}/alerts", words)
    text = mail.mail_text(entries, footer, words)
    if message.channel.kind == "apprise":
        return partial(by_apprise.notify, target, subject, text, way.network.own_servers)
    if settings.mail_url is None:
        return lambda: Sending(arrived=False, answer=NO_MAIL)
    server = read_mail_server(settings.mail_url)
    html = mail.mail_html(subject, entries, footer, words)
    made = mail.mail(
        server, target, name, message_id=number, subject=subject, text=text, html=html,
        now=way.clock(), corrected=list(dict.fromkeys(corrected)),
    )  # fmt: skip
    return partial(mail.send_mail, server, made, settings.ca_file)


def _send_all(
    way: Outgoing,
    reading: ReadOnlyArchive,
    threads: ThreadPoolExecutor,
    messages: Sequence[Message],
) -> int:
    running: dict[Future[Sending], Message] = {}
    for message in messages:
        try:
            send = _prepare_message(way, reading, message)
        except Exception as error:  # noqa: BLE001  # a failing message must not stop the others
            failed: Future[Sending] = Future()
            failed.set_exception(error)
            running[failed] = message
            continue
        if send is not None:
            running[threads.submit(send)] = message
    return sum(_note(way, running[each], each) for each in as_completed(running))


def _prepare_message(way: Outgoing, reading: ReadOnlyArchive, message: Message) -> Send | None:
    """Return a function that sends a message, or None if no change is left to report."""
    base = way.settings.page_base
    found = [(item, entry_of(reading, message.alert, item, base)) for item in message.items]
    gone = [item for item, entry in found if entry is None]
    if gone:
        dropped = replace(message, items=tuple(gone)).lease
        is_back = all(item.is_correction for item in gone)
        record(way.archive.engine, dropped, state="damped", note=BACK if is_back else GONE)
    entries = [entry for _item, entry in found if entry is not None]
    return sending_of(way, message, entries) if entries else None


def _note(way: Outgoing, message: Message, done: Future[Sending]) -> bool:
    engine, lease = way.archive.engine, message.lease
    log = LOG.bind(alert=message.alert.name, channel=message.channel.kind, message=message.id)
    try:
        found = done.result()
    except Exception as error:  # a failing service must not stop the others
        log.warning("alert_failed_here", reason=brief(error), exc_info=not is_foreseen(error))
        found = Sending(arrived=False, answer=brief(error))
    if found.arrived:
        record(engine, lease, state=ALERTS.sent, sent_at=way.clock(), note=None)
        log.info("alert_sent", steps=len(message.items))
        return True
    pause = ALERTS.pauses.seconds_after(lease.attempts, found.again_after)
    state = ALERTS.given_up if found.is_final or lease.is_last else "failed"
    retry_later(engine, lease, found.answer, pause, state=state)
    log.warning("alert_not_sent", reason=found.answer, attempts=lease.attempts)
    return False


def send_alerts(services: Services) -> None:
    """Match new changes against the alerts, and send the deliveries that are due."""
    work(services.archive, services.settings, is_over=services.is_over)


ACTS = (PeriodicAct("alerts", send_alerts, 1.0),)
