"""A changed date reaches the command line, the views, the API, the page and alerts as `date`."""

import json
from urllib.request import Request, urlopen

import pytest

from tests import services
from tests.alerts.receivers import receiving
from tests.flow.driver import seed
from tests.flow.processes import Service, lesart, rows, until

EDITS = {
    "Sitzung": ("Der Rat tagt am Montag in Osterwedel.", "am Montag", "am Dienstag"),
    "Wahl": ("Gewählt wird am 18. Juni in Osterwedel.", "18. Juni", "19. Juni"),
    "Vote": ("Voters in Barton decide on June 3 about the dike.", "June 3", "June 5"),
    "Bau": ("Die Arbeiten beginnen im Juni am Hafen.", "im Juni", "im Juli"),
}
CLASSES = {"Sitzung": ["date"], "Wahl": ["number", "date"], "Vote": ["number", "date"], "Bau": ["date"]}  # fmt: skip


@pytest.mark.slow
@pytest.mark.stack
def test_a_changed_date_has_a_class_of_its_own_at_every_door(tmp_path):
    seeds = tmp_path / "seeds"
    seeds.mkdir()

    def write(title: str, text: str) -> None:
        (seeds / f"{title}.txt").write_text(seed(title, text), "utf-8")

    with receiving() as receiver:
        place = f"127.0.0.1:{services.free_port()}"
        settings = {
            "home": str(tmp_path / "home"), "seeds": str(seeds), "every": "1s",
            "allow_hosts": f"127.0.0.1:{receiver.port}", "web_address": place,
        }  # fmt: skip

        def listed(*words: str) -> list[dict]:
            return rows(tmp_path, *words, **settings)

        for title, (text, _old, _new) in EDITS.items():
            write(title, text)
        write("Pegel", "Der Pegel stieg am Montag um 3 Zentimeter.")
        service = Service(tmp_path, "up", **settings)
        service.start()
        try:
            until(lambda: len(listed("list")) == len(EDITS) + 1, what="the first versions")
            done = lesart(tmp_path, "alert", "add", "tage", "--class", "date", "--webhook", receiver.url, **settings)  # fmt: skip
            assert done.returncode == 0, done.stderr
            write("Pegel", "Der Pegel stieg am Montag um 36 Zentimeter.")
            until(lambda: len(listed("changes")) == 1, what="the change of a number")
            for title, (text, old, new) in EDITS.items():
                write(title, text.replace(old, new))
            sent: dict[str, dict] = {}

            def all_sent() -> bool:
                sent.update({body["data"]["title"]: body["data"] for body in receiver.bodies})
                return sent.keys() >= CLASSES.keys()

            until(all_sent, what="the webhooks")
            assert {title: each["changes"] for title, each in sent.items()} == CLASSES
            assert all(each["why"] == ["class date"] for each in sent.values())

            process = lesart(tmp_path, "changes", "--class", "date", "--format", "json", **settings)
            changes = json.loads(process.stdout)
            assert {each["title"]: each["changes"] for each in changes} == CLASSES
            found = listed("sql", "SELECT title FROM changes WHERE changes LIKE '%\"date\"%'")
            assert {each["title"] for each in found} == set(CLASSES)
            page = Request(f"http://{place}/?class=date&lang=de", headers={"Accept": "text/html"})
            with urlopen(f"http://{place}/api/changes?class=date", timeout=60) as answer:
                assert {each["title"] for each in json.load(answer)["items"]} == set(CLASSES)
            with urlopen(page, timeout=60) as answer:
                shown = answer.read().decode()
            assert shown.count('<li class="tag">Datum</li>') == len(EDITS)
            assert ">Pegel</a>" not in shown
        finally:
            service.end(seconds=120.0)
