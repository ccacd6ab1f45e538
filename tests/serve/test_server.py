"""The server stands beside the work, and never in its way."""

from dataclasses import replace

import httpx
import pytest

from storage.settings import SettingsError, load_settings
from storage.web.server import bound
from worker.errors import PortTakenError
from worker.services.web import PageBeside, address_of


@pytest.fixture
def settings(archive_url):
    return load_settings(archive=archive_url)


def free() -> str:
    with bound("127.0.0.1", 0) as listening:
        return f"127.0.0.1:{listening.getsockname()[1]}"


def test_a_page_beside_other_work_answers_from_its_start_to_its_stop(settings):
    address = free()
    page = PageBeside(replace(settings, web_address=address))
    page.start()
    assert httpx.get(f"http://{address}/readyz", timeout=30).text == "ok\n"
    assert httpx.get(f"http://{address}/sources", timeout=30).status_code == 200
    page.stop()
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://{address}/healthz", timeout=2)


def test_a_taken_port_is_told_and_up_goes_on_without_the_page(settings, capsys):
    from worker.cli.commands import _page

    with bound("127.0.0.1", 0) as listening:
        taken = replace(settings, web_address=f"127.0.0.1:{listening.getsockname()[1]}")
        with pytest.raises(PortTakenError):
            PageBeside(taken)
        assert _page(taken) is None
    assert "everything else goes on" in capsys.readouterr().err


@pytest.mark.parametrize(
    "given", ["8790", "127.0.0.1", "127.0.0.1:99999", "http://127.0.0.1:8790", "a b:1"]
)
def test_an_address_that_is_none_stops_the_start(given):
    with pytest.raises(SettingsError, match="web_address"):
        load_settings(environ={"LESART_WEB_ADDRESS": given})


def test_names_of_the_page_are_read_as_a_list():
    found = load_settings(environ={"LESART_WEB_HOSTS": "Archiv.intern, archiv"})
    assert found.web_hosts == ("archiv.intern", "archiv")
    assert load_settings(environ={}).web_hosts == ()
    with pytest.raises(SettingsError, match="web_hosts"):
        load_settings(environ={"LESART_WEB_HOSTS": "http://archiv"})


def test_an_address_falls_apart_into_host_and_port():
    assert address_of("0.0.0.0:80") == ("0.0.0.0", 80)
