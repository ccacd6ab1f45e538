"""Mails: headers, the text or HTML part, attachments, and mails made to do harm."""

from email.message import EmailMessage

import pytest

from storage.values.draft import Draft
from storage.values.refusals import RefusalReason
from tests.text.cases import by_role, draft, hints, refusal
from worker.flow.document_process import DocumentReader
from worker.sources.containers.items import Item, PassedOver, RefusedDocument
from worker.sources.folders.members import MemberHints, members_of_bytes
from worker.text.file_types import detect_type
from worker.text.hints import TextSettings
from worker.text.mail import mail_extractor
from worker.text.read import split_document

BODY = "Der Deich am Hafen hält dem Hochwasser stand.\n\nDie Fähre bleibt bis zum Abend im Hafen."
PARAGRAPHS = BODY.split("\n\n")


def mail(text: str | None = BODY, html: str | None = None, **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Deich hält: Entwarnung für die Küche am Hafen"
    message["Date"] = "Tue, 18 Jun 2024 10:00:00 +0200"
    message["From"] = "Jo Müller <presse@hafen.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    if text is not None:
        message.set_content(text)
    if html is not None:
        (message.set_content if text is None else message.add_alternative)(html, subtype="html")
    return message


def members(raw: bytes) -> list:
    return list(members_of_bytes("a.eml", raw, MemberHints(detect_type, split=split_document)))


def test_headers_and_text_become_the_article():
    found = draft(bytes(mail(Content_Language="de-DE")), "eml")
    assert found.title == "Deich hält: Entwarnung für die Küche am Hafen"
    assert list(found.text_paragraphs()) == PARAGRAPHS
    fields = found.fields
    assert fields["published"].value["value"] == "2024-06-18T10:00:00"
    assert fields["published"].value["zone"] == "+02:00"
    assert (fields["authors"].value, fields["authors"].found_in) == (["Jo Müller"], "mail: author")
    assert fields["language"].value == "de"
    assert "presse@" not in str(fields)


def test_the_type_decides_the_extractor():
    html = f"<p>{PARAGRAPHS[0]}</p><p>{PARAGRAPHS[1]}</p>"
    for message in (mail(), mail(None, html)):
        assert draft(bytes(message), "eml").extractor == mail_extractor(TextSettings())


def test_the_text_part_has_precedence_over_the_html_part():
    assert "<" not in str(draft(bytes(mail(html="<p>Nur für <b>HTML</b>.</p>")), "eml").paragraphs)


def test_a_mail_without_a_text_part_is_read_from_its_html_part():
    html = (f"<html><body><table><tr><td><h2>Hintergrund</h2><p>{PARAGRAPHS[0]}</p>"
            f"<style>p {{}}</style><script>1</script><p>{PARAGRAPHS[1]}</p></td></tr></table>")  # fmt: skip
    found = draft(bytes(mail(None, html)), "eml")
    assert by_role(found, "subheading") == ["Hintergrund"]
    assert [each for each in found.text_paragraphs() if each != "Hintergrund"] == PARAGRAPHS


def test_attachments_of_known_types_are_members():
    message = mail()
    message.add_attachment("date 2024-06 Anlage\n\nMehr.", filename="Anlage Küche.txt")
    message.add_attachment("Mehr.", filename="../../Anlage Küche.txt")
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="bild.png")
    message.add_attachment(mail("innen"))
    found = members(bytes(message))
    items = [(each.member, each.type) for each in found if isinstance(each, Item)]
    assert items == [
        ("#mail", "eml"),
        ("#Anlage Küche.txt", "seed"),
        ("#Anlage Küche.txt~2", "seed"),
    ]
    assert sum(isinstance(each, PassedOver) for each in found) == 1


def test_a_mail_that_is_attached_as_a_file_has_members_of_its_own():
    inner = mail()
    inner.add_attachment("Mehr dazu.", filename="b.txt")
    message = mail()
    message.add_attachment(
        bytes(inner), maintype="application", subtype="octet-stream", filename="weiter.eml"
    )
    names = [each.member for each in members(bytes(message))]
    assert names == ["#mail", "#weiter.eml#mail", "#weiter.eml#b.txt"]


# ------------------------------------------------------------------------------ hostile mails


def nested(depth: int) -> bytes:
    head = "".join(
        f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(depth)
    )
    return f"Subject: A\r\n{head}Content-Type: text/plain\r\n\r\nTief.\r\n".encode()


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (nested(60), "parts"),
        (nested(20_000), "parts"),
        (b"Subject: " + b"a" * 300_000 + b"\r\n\r\nText.", "header"),
        (b"X: a\r\n" * 100_000 + b"\r\nText.", "header"),
        (b"Subject: a\r\n\r\n" + b"\n" * 600_000, "lines"),
    ],
)
def test_a_mail_beyond_the_bounds_is_refused_before_it_is_parsed(raw, named):
    (found,) = members(raw)
    assert isinstance(found, RefusedDocument)
    assert found.refused.code == "archive_unsafe"
    assert named in found.refused.message
    assert found.raw == raw


def encrypted() -> list[bytes]:
    message = b"From: a@b.example\r\nSubject: Geheim\r\nContent-Type: "
    return [
        message + b"multipart/encrypted; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
        message + b"application/pkcs7-mime\r\n\r\nMIAG\r\n",
        message + b"text/plain\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhQEM\r\n",
    ]


@pytest.mark.parametrize("raw", encrypted())
def test_an_encrypted_mail_is_refused_as_such(raw):
    assert refusal(raw, "eml") == "not_text"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty"),
        (b"Subject: Nur Kopf\r\n\r\n", "empty"),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", "empty"),
        (nested(5_000), "archive_unsafe"),
    ],
)
def test_a_mail_without_text_is_refused(raw, code):
    assert refusal(raw, "eml") == code


@pytest.mark.parametrize(
    "charset", ["utf-16", "no-such-charset", "us-ascii", "\x00", '"', "idna", "base64"]
)
def test_a_wrong_charset_costs_no_letter(charset):
    head = f"Subject: Deich\r\nContent-Type: text/plain; charset={charset}\r\n\r\n"
    found = draft(head.encode() + BODY.replace("\n", "\r\n").encode(), "eml")
    assert list(found.text_paragraphs()) == PARAGRAPHS


@pytest.mark.parametrize(
    "header",
    [
        "Date: gestern", "Date: Tue, 99 Jun 99999 99:99:99 +9999", "From: <<<@@@>>>", "From: =?x?q?=?=",
        "Subject: =?utf-8?b?////?=", "Message-ID: <[", "Content-Language: ;;;", "From: " + "(" * 500,
        "Content-Type: text/plain; charset*0*=utf-8''%zz; charset*=", "Content-Disposition: ;=;",
    ],
)  # fmt: skip
def test_a_malformed_header_is_no_reason_to_refuse(header):
    raw = f"{header}\r\n\r\n{BODY}\r\n".encode()
    assert isinstance(draft(raw, "eml"), Draft)


@pytest.mark.slow
@pytest.mark.child
def test_a_header_that_costs_too_much_ends_the_child_alone():
    raw = b"From: " + b'a,"' * 5_000 + b"\r\nSubject: A\r\n\r\nText.\r\n"
    with DocumentReader(TextSettings(), document_seconds=20, wall_seconds=120) as reader:
        found = reader.read(raw, hints("eml"))
        assert isinstance(found, Draft | RefusalReason)
        assert isinstance(reader.read(bytes(mail()), hints("eml")), Draft)


def test_a_mail_without_a_file_name_is_not_parsed_to_find_attachments():
    def refuse_call(kind, raw):
        raise AssertionError(kind)

    hints = MemberHints(detect_type, split=refuse_call)
    (found,) = members_of_bytes("a.eml", bytes(mail()), hints)
    assert (found.member, found.type) == ("#mail", "eml")
    message = mail()
    message.add_attachment(
        "Mehr.", filename="Anlage Küche mit einem langen Namen, der umbrochen wird.txt"
    )
    assert len(split_document("eml", bytes(message))) == 1


def attached(name: str, content: bytes, count: int = 1) -> bytes:
    part = (
        f"--b\r\nContent-Disposition: attachment; filename={name}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode() + content + b"\r\n"  # fmt: skip
    head = b"Subject: A\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    return head + b"--b\r\n\r\nText.\r\n" + part * count + b"--b--\r\n"


HOSTILE = {
    "10,000 parts": (attached("a.txt", b"TWVocg=="), 0),
    "deep nesting": (attached("a.txt", nested(49)), 0),
    "a huge header": (attached("a" * 200_000 + ".txt", b"TWVocg=="), 0),
    "a header in 50,000 parts": (
        attached("a.txt", b"").replace(b"=a.txt", b"*0=a;" + b"".join(b" filename*%d=b;" % n for n in range(1, 9_000))), 0,
    ),
    "base64 without an end": (attached("a.txt", b"TWVo" * 4_000_000), 0),
    "base64 of other letters": (attached("a.txt", b"*" * 8_000_000), 0),
}  # fmt: skip
HOSTILE["10,000 parts"] = (attached("a.txt", b"TWVocg==", 10_000), 10_000)


@pytest.mark.slow
@pytest.mark.child
def test_the_attachments_of_hostile_mails_are_split_in_the_child_within_its_bounds():
    with DocumentReader(
        TextSettings(), document_seconds=2, wall_seconds=60, memory_mb=512
    ) as reader:
        for name, (raw, count) in HOSTILE.items():
            found = reader.split(raw, "eml")
            if isinstance(found, RefusalReason):
                codes = {"resource_time", "resource_memory", "archive_unsafe"}
                assert found.code in codes, name
            else:
                assert len(found) >= count, name
                assert sum(len(content) for _name, content in found) <= len(raw)
            assert len(reader.split(attached("a.txt", b"TWVocg=="), "eml")) == 1
