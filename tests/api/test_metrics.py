"""The metrics for monitoring; the dashboard and the alerts use only existing ones."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

MONITORING = Path(__file__).resolve().parents[2] / "docker" / "monitoring"
NAME = re.compile(r"\blesart_[a-z_]+")


def families(client):
    return {each.name: each for each in text_string_to_metric_families(client.get("/metrics").text)}


def names_of(client) -> set[str]:
    client.get("/api/articles")  # how long a request took is told once there was one
    found = families(client)
    return set(found) | {sample.name for each in found.values() for sample in each.samples}


def test_the_figures_are_those_of_the_archive(client):
    client.get("/api/articles")
    found = families(client)
    assert found["lesart_articles"].samples[0].value == 3
    assert found["lesart_versions"].samples[0].value == 4
    assert {s.labels["code"]: s.value for s in found["lesart_refusals"].samples} == {"empty": 1}
    counts = [s for s in found["lesart_request_seconds"].samples if s.name.endswith("_count")]
    assert {"route": "/api/articles", "status": "2xx"} in [s.labels for s in counts]


def test_how_long_the_lock_was_held_and_how_far_the_rest_is_behind_are_reported(client):
    found = families(client)
    (held,) = found["lesart_lock_seconds"].samples
    assert held.name == "lesart_lock_seconds_total"
    assert 0 < held.value < 600
    behind = {s.labels["step"]: s.value for s in found["lesart_behind_seconds"].samples}
    assert behind == {"index": 0, "relate": 0}


def test_an_answer_that_is_a_problem_is_counted_as_such(client):
    client.get("/api/articles?nope=1")
    counts = [
        s for s in families(client)["lesart_request_seconds"].samples if s.name.endswith("_count")
    ]
    assert {"route": "/api/articles", "status": "4xx"} in [s.labels for s in counts]


@pytest.mark.parametrize("file", ["dashboard.json", "alerts.yml"])
def test_every_name_that_is_asked_for_is_reported(client, file):
    asked = set(NAME.findall((MONITORING / file).read_text("utf-8")))
    assert len(asked) > 5
    assert asked <= names_of(client)


def test_the_dashboard_shows_every_figure(client):
    shown = set(NAME.findall((MONITORING / "dashboard.json").read_text("utf-8")))
    base = {re.sub("_(bucket|count|sum|created|total)$", "", each) for each in names_of(client)}
    assert base == {re.sub("_(bucket|count|total)$", "", each) for each in shown}


def test_the_dashboard_and_the_alerts_are_whole():
    dashboard = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text("utf-8"))["groups"][0]["rules"]
    assert all({"alert", "expr", "annotations"} <= set(rule) for rule in rules)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_takes_the_rules_the_settings_and_the_figures(client):
    def checked(*asked, **given):
        done = subprocess.run(
            ["promtool", "check", *asked], cwd=MONITORING, capture_output=True, check=False, **given
        )
        assert done.returncode == 0, done.stdout + done.stderr

    checked("rules", "alerts.yml")
    checked("config", "prometheus.yml")
    checked("metrics", input=client.get("/metrics").content)


def test_health_asks_nothing_of_the_archive_and_readiness_does(client):
    assert client.get("/healthz").text == "ok\n"
    assert client.get("/readyz").text == "ok\n"
    assert client.get("/healthz", headers={"Host": "web:8790"}).status_code == 200
