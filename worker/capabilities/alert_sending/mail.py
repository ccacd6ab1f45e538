"""Mails as plain text and as HTML without active content from articles."""

import smtplib
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from markupsafe import Markup

from storage.metered_socket import Meter, MeteredSocket, MeteredTlsSocket
from storage.read.render.change_html import change_html, clean
from storage.read.render.passages import PassageBlock
from storage.read.render.translations import catalogue, translate, translate_message
from storage.read.render.visible import BLANK, one_line, visible
from storage.values.messages import message_text
from storage.values.net.mail_server import MailServer
from worker.capabilities.alert_sending.alert_entry import AlertEntry
from worker.capabilities.alert_sending.sending import Sending

SECONDS = 15.0
"""Time limit of a session with the mail server, in seconds."""
MOST_ANSWER_BYTES = 1024 * 1024
LONGEST_TITLE = 120
_PIECES = {"insert": "{{+{}+}}", "delete": "[-{}-]"}
_PAGE = Markup(
    '<!doctype html><html lang="{}"><head><meta charset="utf-8"><title>{}</title><style>'
    "body{{font-family:sans-serif;max-width:45em}} ins{{background:#d8f5d8}} "
    "del{{background:#fbdcdc}} .why{{color:#555}}</style></head><body><h1>{}</h1>{}<p>{}</p>"
    "</body></html>"
)
_ENTRY = Markup('<h2><a href="{}">{}</a></h2><p class="why">{}</p>{}')


@dataclass(frozen=True, slots=True)
class MailWords:
    """Language and time zone of a mail."""

    language: str
    zone: tzinfo

    def t(self, english: str, **values: object) -> str:
        return translate(self.language, english, **values)

    def moment(self, value: datetime) -> str:
        days = "%d.%m.%Y" if self.language == "de" else "%Y-%m-%d"
        return value.astimezone(self.zone).strftime(f"{days} %H:%M %Z")

    def interval(self, after: datetime | None, by: datetime) -> str:
        """Return the interval between two checks in which a change happened."""
        if after is None:
            return self.t("first seen {by}", by=self.moment(by))
        return self.t("between {after} and {by}", after=self.moment(after), by=self.moment(by))

    def reason(self, reason: str) -> str:
        """Return the reason for an alert in the language of the mail."""
        return translate_message(self.language, reason) or reason


def mail_subject(name: str, entries: Sequence[AlertEntry], words: MailWords) -> str:
    """Return the subject of a message as one line."""
    if len(entries) == 1:
        return f"[Lesart] {name}: {_title(entries[0], words)[:LONGEST_TITLE]}"
    t, corrections = words.t, sum(each.corrects is not None for each in entries)
    told = [t("{n} change|{n} changes", n=len(entries) - corrections)]
    if corrections:
        told = told[corrections == len(entries) :]
        told.append(t("{n} correction|{n} corrections", n=corrections))
    return f"[Lesart] {name}: {', '.join(told)}"


def mail_footer(name: str, page: str, words: MailWords) -> str:
    """Return the last line of a message, which names its alert."""
    t = words.t
    return t("Sent by the alert {name} of Lesart: {page}", name=name, page=page)


def mail_text(entries: Sequence[AlertEntry], footer: str, words: MailWords) -> str:
    """Return entries as plain text; `{+…+}` marks added text and `[-…-]` removed text."""
    parts = [part for each in entries for part in _text_entry(each, words)]
    return "\n\n".join([*parts, f"-- \n{footer}"]) + "\n"


def mail_html(title: str, entries: Sequence[AlertEntry], footer: str, words: MailWords) -> str:
    """Return entries as HTML with all text from articles escaped."""
    shown = Markup().join(
        _ENTRY.format(
            each.link, clean(_title(each, words)),
            clean(" · ".join(_facts(each, words))), change_html(each.shown, words.language),
        )
        for each in entries
    )  # fmt: skip
    return str(_PAGE.format(words.language, title, title, shown, footer))


def mail(
    server: MailServer, to: str, name: str, *, message_id: str, subject: str, text: str, html: str,
    now: datetime, corrected: Sequence[str] = (),
) -> EmailMessage:  # fmt: skip
    """Return a mail; its id is equal at each attempt, so that mail programs detect duplicates.

    It refers to the mails `corrected`, so that programs show it next to them.
    """
    domain = server.sender.rpartition("@")[2]
    made = EmailMessage()
    made["From"] = f"Lesart <{server.sender}>"
    made["To"] = to
    made["Subject"] = subject
    made["Date"] = format_datetime(now)
    made["Message-ID"] = f"<{message_id}@{domain}>"
    if corrected:
        made["References"] = " ".join(f"<{each}@{domain}>" for each in corrected)
    made["List-Id"] = f"Lesart alert {name} <{name}.alerts.{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(text, charset="utf-8")
    made.add_alternative(html, subtype="html", charset="utf-8")
    return made


def send_mail(server: MailServer, made: EmailMessage, ca_file: Path | None = None) -> Sending:
    """Send a mail to its server; failures are returned, not raised."""
    try:
        with _session(server, _context(ca_file)) as session:
            session.send_message(made)
    except smtplib.SMTPRecipientsRefused as error:
        code, reason = next(iter(error.recipients.values()))
        return Sending(
            False,
            message_text("mail_refused", code=code, answer=_reply_text(reason)),
            is_final=code >= 500,
        )
    except smtplib.SMTPResponseException as error:
        return Sending(
            False,
            message_text(
                "mail_answered", code=error.smtp_code, answer=_reply_text(error.smtp_error)
            ),
        )
    except (smtplib.SMTPException, OSError) as error:
        return Sending(
            arrived=False, answer=message_text("mail_failed", reason=one_line(str(error)))
        )
    return Sending(arrived=True, answer=message_text("mail_accepted"))


class _SmtpSession(smtplib.SMTP):
    """SMTP session with one deadline for all its reads and writes."""

    def __init__(self, server: MailServer, context: ssl.SSLContext) -> None:
        self._server, self._context = server, context
        self._meter = Meter(time.monotonic() + SECONDS, MOST_ANSWER_BYTES)
        local = server.sender.rpartition("@")[2]
        super().__init__(server.host, server.port, local, timeout=SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        opened = socket.create_connection((host, port), timeout)
        metered = MeteredSocket(fileno=opened.detach())
        metered.meter = self._meter
        metered.settimeout(self._meter.left())
        if not self._server.is_tls:
            return metered
        return self._meter_socket(self._context.wrap_socket(metered, server_hostname=host))

    def start_tls(self) -> None:
        """Upgrade the session to TLS with the same deadline."""
        self.starttls(context=self._context)
        self._meter_socket(self.sock)

    def _meter_socket(self, wrapped: socket.socket | None) -> socket.socket:
        assert isinstance(wrapped, MeteredTlsSocket)
        wrapped.meter = self._meter
        return wrapped


def _session(server: MailServer, context: ssl.SSLContext) -> _SmtpSession:
    """Return an authenticated session; passwords require TLS, except to a local server."""
    session = _SmtpSession(server, context)
    try:
        _log_in(session, server)
    except BaseException:
        session.close()
        raise
    return session


def _log_in(session: _SmtpSession, server: MailServer) -> None:
    session.ehlo()
    has_tls = server.is_tls
    if not has_tls and session.has_extn("starttls"):
        session.start_tls()
        has_tls = True
    if server.user is not None:
        if not has_tls and not server.is_local:
            raise smtplib.SMTPException(message_text("mail_without_tls"))
        session.login(server.user, server.password or "")


def _context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.sslsocket_class = MeteredTlsSocket
    if ca_file is not None:
        context.load_verify_locations(cafile=str(ca_file))
    return context


def _reply_text(reason: bytes | str) -> str:
    content = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
    return one_line(content)[:200]


def _title(entry: AlertEntry, words: MailWords) -> str:
    title = one_line(entry.change.title or words.t("(no title)"))
    return title if entry.corrects is None else words.t("Correction: {title}", title=title)


def _text_entry(entry: AlertEntry, words: MailWords) -> list[str]:
    facts = "; ".join(_facts(entry, words))
    return [f"{_title(entry, words)}\n{entry.link}\n{facts}",
            *(_text_block(each, words) for each in entry.shown)]  # fmt: skip


def _text_block(block: PassageBlock, words: MailWords) -> str:
    label = f"({block.label(words.language)}) " if block.labels else ""
    return label + "".join(
        _PIECES.get(piece.kind, "{}").format(BLANK.sub(" ", visible(piece.text)))
        for piece in block.pieces
    )


def _facts(entry: AlertEntry, words: MailWords) -> list[str]:
    """Return the reason, time and types of a change, and the current text of a passage."""
    t, change = words.t, entry.change
    classes = [catalogue()[words.language][f"class {each}"] for each in change.changes]
    silent = [t("silent")] if change.silent else []
    if entry.corrects is not None:
        withdrawn = t("An earlier message reported a change of this article that did not happen.")
        return [withdrawn, words.interval(change.changed_after, change.changed_by)]
    content = [
        t("Reason: {reasons}", reasons=", ".join(map(words.reason, entry.why))),
        words.interval(change.changed_after, change.changed_by),
        t("Changes: {classes}", classes=", ".join([*classes, *silent])),
    ]
    if entry.becomes is not None:
        content.append(t("current text: {sentence}", sentence=one_line(entry.becomes)))
    return content
