"""What a capability adds to `lesart show` and to the pages of others shows its rows."""

from collections import defaultdict
from importlib import import_module

import pytest

from lesart import open_archive
from storage.capabilities import CAPABILITIES, module_of
from storage.web.pages.rendering import environment
from tests.flow.driver import newsroom_at
from tests.flow.whole_record import add_row
from tests.serve.conftest import served
from tests.write.acts import DAM, Scene

SHOWING = [each for each in CAPABILITIES if each.templates or "change_panel" in each.parts]
STATING = [each for each in CAPABILITIES if "version_facts" in each.parts]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shown")
    with newsroom_at(f"sqlite:///{folder / 'archive.sqlite3'}", folder) as room:
        scene = Scene(room)
        scene.fill()
        query = "SELECT max(observation_id) FROM snapshot WHERE version = 2 AND origin_id = {}"
        with room.archive.engine.begin() as connection:
            for each in (each for each in CAPABILITIES if each in (*SHOWING, *STATING)):
                filling = import_module(f"tests.capabilities.{each.name}.fill")
                filling.fill(connection, scene.number(query, DAM), add_row)
        yield room.url


@pytest.fixture(scope="module")
def shown(url):
    """Give what each template of a capability showed on the pages of all articles, by its name."""
    names = [f"{each.name}/{name}" for each in SHOWING for name in each.templates]
    names += [import_module(module_of(each, "change_panel")).TEMPLATE
              for each in SHOWING if "change_panel" in each.parts]  # fmt: skip
    found = defaultdict(str)
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            template = environment().get_template(name)

            def render(context, name=name, own=template.root_render_func):
                for part in own(context):
                    found[name] += part
                    yield part

            patch.setattr(template, "root_render_func", render)
        with served(url) as client:
            assert client.get("/refusals", headers={"accept": "text/html"}).status_code == 200
            for article in client.get("/api/articles").json()["items"]:
                numbers = range(1, article["versions"] + 1)
                ends = [
                    *(f"/{n}" for n in numbers),
                    *(f"/compare?a={n - 1}&b={n}" for n in numbers[1:]),
                ]
                for end in ("", "/checks", *ends) if ends else ():
                    asked = client.get(f"/a/{article['article']}{end}", follow_redirects=True)
                    assert asked.status_code == 200
    return {name: found[name] for name in names}


@pytest.mark.parametrize("own", SHOWING, ids=lambda each: each.name)
def test_its_part_of_other_pages_shows_its_rows(own, shown):
    empty = [name for name, text in shown.items() if name.startswith(own.name) and not text.strip()]
    assert empty == [], f"show the rows of tests/capabilities/{own.name}/fill.py"


@pytest.mark.parametrize("own", STATING, ids=lambda each: each.name)
def test_show_prints_what_it_states_about_a_version(own, url):
    part = import_module(module_of(own, "version_facts"))
    with open_archive(url) as archive:
        versions = [
            archive.version(f"{each.article}@{number}")
            for each in archive.articles()
            for number in range(1, each.versions + 1)
        ]
    lines = [line for version in versions for line in part.show_lines(version, str)]
    assert lines != [], f"show_lines: the rows of tests/capabilities/{own.name}/fill.py"
