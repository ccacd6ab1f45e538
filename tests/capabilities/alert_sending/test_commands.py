"""The commands make, show, try and remove alerts; keys are shown once."""

import json

import pytest

from storage.cli.exits import run
from storage.settings import load_settings
from storage.values.errors import AlertError
from storage.write.archive import Archive
from tests.alerts.receivers import mailing, receiving
from worker.capabilities.alert_sending.check import check_alerts
from worker.cli import commands as cli

CODES = {AlertError: 2}


@pytest.fixture
def lesart(small_archive, capsys):
    """Run a command on a small archive; give its code, its rows and its messages."""

    def call(*arguments):
        code = run(cli.app, ("alert", *arguments), exit_codes=CODES)
        told = capsys.readouterr()
        return code, [json.loads(line) for line in told.out.splitlines()], told.err

    return call


def test_a_key_is_shown_when_it_is_made_and_never_again(lesart):
    code, (row,), _said = lesart("add", "hafen", "--class", "number", "--class", "gone", "--webhook",
                                 "https://hooks.example/services/geheim")  # fmt: skip
    assert code == 0
    assert row["secret"].startswith("whsec_")
    assert row["target"] == "https://hooks.example/…"
    for command in (("list",), ("show", "hafen"), ("log", "hafen")):
        code, rows, said = lesart(*command)
        assert code == 0
        assert row["secret"] not in json.dumps(rows) + said
        assert "geheim" not in json.dumps(rows) + said
    (listed,) = lesart("list")[1]
    assert listed["rule"] == {"classes": ["number", "gone"]}
    _code, (rotated,), _said = lesart("rotate", "hafen")
    assert rotated["secret"] != row["secret"]


@pytest.mark.few_cases
@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("hafen",), 2, "specify a target"),
        (("ha fen", "--mail", "a@b.example"), 2, "is no name"),
        (("hafen", "--mail", "nobody"), 2, "is not a mail address"),
        (("hafen", "--webhook", "http://hooks.example/"), 2, "require https"),
        (("hafen", "--webhook", "@/nowhere"), 2, "cannot be read"),
        (("hafen", "--apprise", "nothing://"), 2, "does not support this address"),
        (("hafen", "--mail", "a@b.example", "--passage", "kurz"), 2, "8 to 4,000 characters"),
        (("hafen", "--mail", "a@b.example", "--query", "-"), 2, "contains no word"),
        (("hafen", "--mail", "a@b.example", "--source", "nirgends"), 3, "no source 'nirgends'"),
        (("hafen", "--mail", "a@b.example", "--article", "nirgends"), 3, "no article"),
        (("hafen", "--mail", "a@b.example", "--daily", "--at", "25:00"), 2, "is not a time"),
        (("hafen", "--mail", "a@b.example", "--at", "07:00"), 2, "requires --daily"),
        (("hafen", "--mail", "a@b.example", "--class", "weg"), 2, "is not one of first"),
    ],
)  # fmt: skip
def test_a_meaningless_alert_is_refused_with_a_sentence_and_not_made(
    lesart, arguments, code, sentence
):
    found, rows, said = lesart("add", *arguments)
    assert (found, rows) == (code, [])
    assert sentence in said
    assert lesart("list")[1] == []


@pytest.mark.parametrize("command", ["show", "pause", "resume", "remove", "rotate", "log", "retry", "test"])  # fmt: skip
def test_an_alert_that_is_not_there_is_code_3(lesart, command):
    code, _rows, said = lesart(command, "nirgends")
    assert code == 3
    assert "there is no alert 'nirgends'" in said


@pytest.mark.slow
def test_a_sample_goes_through_each_channel_and_the_answers_are_reported(lesart, monkeypatch):
    answers = [None, "500"]
    with receiving(lambda: answers.pop(0)) as hook, receiving() as service, mailing() as box:
        servers = f"127.0.0.1:{hook.port},127.0.0.1:{service.port}"
        monkeypatch.setenv("LESART_ALLOW_HOSTS", servers)
        monkeypatch.setenv("LESART_MAIL_URL", box.url)
        lesart("add", "hafen", "--webhook", hook.url, "--mail", "ada@bote.example", "--apprise",
               f"json://127.0.0.1:{service.port}/")  # fmt: skip
        code, rows, _said = lesart("test", "hafen")
        assert code == 0
        assert {row["channel"]: row["arrived"] for row in rows} == {
            "webhook": True, "mail": True, "apprise": True,
        }  # fmt: skip
        assert hook.bodies[0]["type"] == "test"
        assert "36" in box.mails[0].get_body(("plain",)).get_content()
        code, rows, _said = lesart("test", "hafen")
    assert code == 1
    assert rows[0]["answer"] == "The server responded with status 500."
    assert lesart("log", "hafen")[1] == []


def test_pausing_and_removing_are_said(lesart):
    lesart("add", "hafen", "--mail", "a@b.example", "--daily")
    assert lesart("pause", "hafen")[0] == 0
    (shown,) = lesart("show", "hafen")[1]
    assert (shown["paused"], shown["daily_at"]) == (True, "07:00")
    assert lesart("resume", "hafen")[0] == 0
    assert lesart("list")[1][0]["paused"] is False
    assert lesart("remove", "hafen")[0] == 0
    assert lesart("list")[1] == []


def test_the_doctor_names_given_up_deliveries_and_a_missing_mail_server(lesart):
    assert list(check_alerts(load_settings(environ={}))) == []
    lesart("add", "hafen", "--mail", "a@b.example")
    (found,) = check_alerts(load_settings(environ={}))
    assert (found.state, "LESART_MAIL_URL" in found.mend) == ("warning", True)
    with (
        Archive.open("lesart-data/lesart.sqlite3") as archive,
        archive.engine.begin() as connection,
    ):
        connection.exec_driver_sql(
            "INSERT INTO alert_delivery (id, alert_id, channel_id, kind, article_id, wording_id, "
            "occurrence, version, why, state, attempts, next_at, made_at) SELECT 900, id, id + 1, "
            "'mail', 1, 1, 1, 2, '[]', 'dead', 10, 0, created_at FROM alert"
        )
    given = {"LESART_MAIL_URL": "smtp://127.0.0.1/?from=a@b.example"}
    (found,) = check_alerts(load_settings(environ=given))
    assert (found.state, found.message) == ("warning", "1 delivery of hafen was given up")
    assert "lesart alert retry hafen" in found.mend
    assert [row["state"] for row in lesart("log", "--state", "dead")[1]] == ["dead"]
