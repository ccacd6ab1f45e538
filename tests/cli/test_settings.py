"""Settings: their places, their precedence, and messages about wrong ones."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.settings import SETTINGS, Settings, SettingsError, hide_secrets, load_settings
from storage.values.settings.readers import IntervalError, parse_interval, parse_size

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """No test finds a lesart.toml or an archive of someone else."""
    monkeypatch.chdir(tmp_path)


def load(environ=None, **named) -> Settings:
    return load_settings(environ=environ or {}, **named)


def test_without_anything_set_the_defaults_hold():
    settings = load()
    assert settings.home == Path("lesart-data")
    assert settings.database_url == "lesart-data/lesart.sqlite3"
    assert settings.is_embedded
    assert settings.seeds == Path("seeds")
    assert settings.timezone == "UTC"
    assert settings.languages == ("de", "en")
    assert settings.every == 60.0
    assert set(settings.origins.values()) == {"default"}


def test_the_archive_lies_in_the_home_that_was_set():
    assert load({"LESART_HOME": "/srv/lesart"}).database_url == "/srv/lesart/lesart.sqlite3"


def test_a_folder_as_archive_means_the_default_file_in_it(tmp_path):
    assert load(archive=str(tmp_path)).database_url == str(tmp_path / "lesart.sqlite3")


def test_the_command_line_beats_the_environment_beats_the_file_beats_the_default(tmp_path):
    config = tmp_path / "some.toml"
    config.write_text('database_url = "from-toml.sqlite3"\ntimezone = "Europe/Berlin"\n')
    environ = {"LESART_DATABASE_URL": "from-environment.sqlite3"}
    assert load(config=config).database_url == str(tmp_path / "from-toml.sqlite3")
    assert load(environ, config=config).database_url == "from-environment.sqlite3"
    named = load(environ, config=config, archive="named.sqlite3")
    assert named.database_url == "named.sqlite3"
    assert named.origins["database_url"] == "--archive"
    assert named.origins["timezone"] == str(config)
    assert named.origins["seeds"] == "default"


def test_lesart_toml_in_the_folder_is_read_without_being_named(tmp_path):
    (tmp_path / "lesart.toml").write_text('every = "5m"\nlanguages = ["de", "fr"]\n')
    settings = load()
    assert (settings.every, settings.languages) == (300.0, ("de", "fr"))
    assert settings.origins["every"] == "lesart.toml"


def test_a_path_in_a_file_counts_from_the_folder_of_that_file(tmp_path):
    config = tmp_path / "etc" / "some.toml"
    config.parent.mkdir()
    config.write_text('seeds = "eingang"\nhome = "/srv/lesart"\n')
    settings = load(config=config)
    assert settings.seeds == config.parent / "eingang"
    assert settings.home == Path("/srv/lesart")


@pytest.mark.parametrize("key", SETTINGS)
def test_every_setting_can_be_given_in_a_file_of_its_own(key, tmp_path):
    given = {
        "allow_hosts": "127.0.0.1:8080", "browser": sys.executable, "ca_file": __file__, "captures_url": "file:///captures",
        "database_url": "some.sqlite3", "pictures": "20MB", "retain_captures": "90d",
        "mail_url": "smtp://bote.example/?from=archiv@bote.example",
        "page_url": "https://archiv.bote.example",
        "proof_witnesses": __file__, "proof_authorities": __file__,
        "web_hosts": "archiv.example", "web_workers": "2", "web_proxies": "10.0.0.0/8",
        "web_archive_keys": "internet-archive=abc:def",
    }  # fmt: skip
    more = {}
    if key in {"reader_database_url", "sql_database_url"}:
        given[key] = "postgresql://page@db1,db2:5433/lesart"
        more = {"LESART_DATABASE_URL": "postgresql://lesart@db/lesart"}
    value = str(SETTINGS[key].default or given.get(key, "some@where"))
    secret = tmp_path / "secret"
    secret.write_text(f"{value}\n")
    settings = load({**more, f"LESART_{key.upper()}_FILE": str(secret)})
    plain = load({**more, f"LESART_{key.upper()}": value})
    assert getattr(settings, key) == getattr(plain, key)
    assert str(secret) in settings.origins[key]
    assert plain.origins[key] == f"LESART_{key.upper()}"


def test_a_toml_file_may_name_a_file_with_a_secret_next_to_it(tmp_path):
    (tmp_path / "dsn").write_text("postgresql://lesart:geheim@db/lesart\n")
    config = tmp_path / "lesart.toml"
    config.write_text('database_url_file = "dsn"\n')
    assert load(config=config).database_url == "postgresql://lesart:geheim@db/lesart"


def test_an_empty_variable_counts_as_not_set():
    assert load({"LESART_TIMEZONE": "", "LESART_SEEDS_FILE": ""}).timezone == "UTC"


@pytest.mark.parametrize(
    "name", ["LESART_FAIL", "LESART_REAL_DATA", "LESART_TEST_POSTGRES", "PATH"]
)
def test_a_variable_that_is_no_setting_is_ignored(name):
    assert load({name: "anything"}) == load()


WRONG = {
    "unknown variable": ({"LESART_SEED": "x"}, "", "LESART_SEED"),
    "unknown key in the file": ({}, 'datenbank = "x"', "datenbank"),
    "unknown table in the file": ({}, "[limits]\nevery = 5", "limits"),
    "value and file": ({"LESART_SEEDS": "a", "LESART_SEEDS_FILE": "b"}, "", "LESART_SEEDS"),
    "file that is not there": (
        {"LESART_DATABASE_URL_FILE": "/no/such"},
        "",
        "LESART_DATABASE_URL_FILE",
    ),
    "unknown database": ({"LESART_DATABASE_URL": "mysql://root@db/x"}, "", "database_url"),
    "broken address": ({"LESART_DATABASE_URL": "postgresql://db:no-port/x"}, "", "database_url"),
    "several hosts, one without a name": (
        {"LESART_DATABASE_URL": "postgresql://u@db1,/x"},
        "",
        "database_url",
    ),
    "several hosts, one with no port": (
        {"LESART_DATABASE_URL": "postgresql://u@db1:70000,db2/x"},
        "",
        "database_url",
    ),
    "replicas of a file": (
        {"LESART_READER_DATABASE_URL": "postgresql://u@db1,db2/x"},
        "",
        "reader_database_url",
    ),
    "a file as replica": (
        {"LESART_DATABASE_URL": "postgresql://u@db/x", "LESART_READER_DATABASE_URL": "a.sqlite3"},
        "",
        "reader_database_url",
    ),
    "a role of a file": (
        {"LESART_SQL_DATABASE_URL": "postgresql://lesart_reader@db/x"},
        "",
        "sql_database_url",
    ),
    "a file for SQL": (
        {"LESART_DATABASE_URL": "postgresql://u@db/x", "LESART_SQL_DATABASE_URL": "a.sqlite3"},
        "",
        "sql_database_url",
    ),
    "database in memory": ({"LESART_DATABASE_URL": "sqlite://"}, "", "database_url"),
    "unknown broker": ({"LESART_BROKER_URL": "amqp://broker"}, "", "broker_url"),
    "negative interval": ({"LESART_EVERY": "-5s"}, "", "every"),
    "no interval": ({"LESART_EVERY": "often"}, "", "every"),
    "interval of zero": ({"LESART_EVERY": "0"}, "", "every"),
    "interval that is a truth": ({}, "every = true", "every"),
    "time zone that nobody keeps": ({"LESART_TIMEZONE": "Europe/Berln"}, "", "timezone"),
    "time zone that climbs": ({"LESART_TIMEZONE": "../../etc/passwd"}, "", "timezone"),
    "unknown language": ({"LESART_LANGUAGES": "de,klingon"}, "", "languages"),
    "no language": ({}, "languages = []", "languages"),
    "number where a text belongs": ({}, "seeds = 5", "seeds"),
    "count below one": ({"LESART_BATCH_ITEMS": "0"}, "", "batch_items"),
    "count that is no number": ({"LESART_BATCH_ITEMS": "some"}, "", "batch_items"),
    "count with a fraction": ({}, "batch_items = 1.5", "batch_items"),
    "size in stones": ({"LESART_MAX_DOCUMENT_BYTES": "3 stones"}, "", "max_document_bytes"),
    "batch longer than its lease": ({"LESART_LEASE_SECONDS": "30"}, "", "batch_seconds"),
    "document longer than its batch": ({"LESART_DOCUMENT_SECONDS": "2m"}, "", "document_seconds"),
    "address of the page": ({"LESART_WEB_ADDRESS": "a b:1"}, "", "web_address"),
    "address of the page without a port": ({"LESART_WEB_ADDRESS": "127.0.0.1"}, "", "web_address"),
    "address of the page as a URL": (
        {"LESART_WEB_ADDRESS": "http://127.0.0.1:1"},
        "",
        "web_address",
    ),
    "name of the page as a URL": ({"LESART_WEB_HOSTS": "http://archiv"}, "", "web_hosts"),
    "file that is no TOML": ({}, "every = = 5", "some.toml"),
}


@pytest.mark.parametrize(("environ", "toml", "key"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_setting_is_refused_and_named(environ, toml, key, tmp_path):
    config = tmp_path / "some.toml"
    config.write_text(toml)
    with pytest.raises(SettingsError) as caught:
        load(environ, config=config)
    assert key in caught.value.key
    assert key in str(caught.value)


def test_replicas_are_those_of_the_archive_in_the_settings_and_of_no_other():
    environ = {
        "LESART_DATABASE_URL": "postgresql://u@db/x",
        "LESART_READER_DATABASE_URL": "postgresql://u@db1,db2/x",
    }
    replicas = "postgresql://u@db1,db2/x?target_session_attrs=prefer-standby"
    assert load(environ).reader_database_url == replicas
    assert load(environ, archive="copy.sqlite3").reader_database_url is None
    own = environ | {"LESART_READER_DATABASE_URL": "postgresql://db1/x?target_session_attrs=any"}
    assert load(own).reader_database_url == "postgresql://db1/x?target_session_attrs=any"


def test_the_address_for_sql_belongs_to_the_archive_of_the_settings():
    environ = {
        "LESART_DATABASE_URL": "postgresql://u@db/x",
        "LESART_SQL_DATABASE_URL": "postgresql://lesart_reader:geheim@db1,db/x",
    }
    settings = load(environ)
    assert settings.sql_database_url == environ["LESART_SQL_DATABASE_URL"]
    assert load(environ, archive="postgresql://other/x").sql_database_url is None
    (line,) = (each for each in settings.lines() if each["key"] == "sql_database_url")
    assert line["value"] == "postgresql://lesart_reader:***@db1,db/x"


def test_an_unknown_setting_names_the_one_that_was_meant(tmp_path):
    (tmp_path / "some.toml").write_text("captures_ulr = 'file:///a'")
    with pytest.raises(SettingsError, match="did you mean 'captures_url'"):
        load(config=tmp_path / "some.toml")
    with pytest.raises(SettingsError, match=r"LESART_TIMZONE: .* did you mean 'timezone'"):
        load({"LESART_TIMZONE": "UTC"})


def test_a_broken_file_with_settings_is_called_by_its_name(tmp_path):
    (tmp_path / "some.toml").write_text("every = = 5")
    with pytest.raises(SettingsError) as caught:
        load(config=tmp_path / "some.toml")
    assert str(caught.value).startswith(
        f"the file with settings {tmp_path}/some.toml: it is no TOML"
    )
    assert "--config" not in str(caught.value)


def test_a_file_that_holds_nothing_is_refused(tmp_path):
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(SettingsError, match="LESART_DATABASE_URL_FILE"):
        load({"LESART_DATABASE_URL_FILE": str(tmp_path / "empty")})


def test_a_config_file_that_was_named_must_be_there(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.toml"):
        load(config=tmp_path / "none.toml")


SECRETS = {
    "plain": ("postgresql://u:geheim@h/d", "postgresql://u:***@h/d"),
    "with an at sign and a slash in it": ("postgresql://u:a@b/c@h/d", "postgresql://u:***@h/d"),
    "with a blank in it": ("postgresql://u:a b@c@h/d", "postgresql://u:***@h/d"),
    "without a user": ("redis://:geheim@h", "redis://:***@h"),
    "with an at sign in it": ("redis://:ge@heim@h/0", "redis://:***@h/0"),
    "as a parameter": (
        "postgresql:///d?host=h&password=geheim",
        "postgresql:///d?host=h&password=***",
    ),
    "none": ("postgresql://u@h/d", "postgresql://u@h/d"),
    "a port is none": ("http://example.org:80/a@b", "http://example.org:80/a@b"),
}


@pytest.mark.parametrize(("text", "hidden"), SECRETS.values(), ids=SECRETS.keys())
def test_passwords_in_addresses_are_hidden(text, hidden):
    assert hide_secrets(text) == hidden


@given(
    st.floats(0, 36_500, allow_nan=False).map(lambda n: round(n, 3)),
    st.sampled_from(["ms", *"smhd"]),
)
def test_an_interval_is_its_number_times_its_unit(number, unit):
    seconds = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
    assert parse_interval(f"{number:f}{unit}") == pytest.approx(number * seconds)


@pytest.mark.parametrize(
    "given", ["", "s", "-1", "1w", "1 h 5", "nan", "inf", "1e3", "36501d", "9" * 400, True, None]
)
def test_a_malformed_interval_is_refused(given):
    with pytest.raises(IntervalError):
        parse_interval(given)


@pytest.mark.parametrize("given", ["", "MB", "-1", "1 TB", "ten", True])
def test_a_malformed_size_is_refused(given):
    with pytest.raises(ValueError, match="is no size"):
        parse_size(given)


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("LESART_ALLOW_HOSTS", "intranet", "allow_hosts"),
        ("LESART_ALLOW_HOSTS", "wiki.intern:443", "allow_hosts"),
        ("LESART_ALLOW_HOSTS", "10.0.0.0/8", "allow_hosts"),
        ("LESART_ALLOW_HOSTS", "*:443=10.1.2.3", "allow_hosts"),
        ("LESART_ALLOW_HOSTS", "wiki.intern:443=wiki2.intern", "allow_hosts"),
        ("LESART_PACE", "0s", "pace"),
        ("LESART_CONTACT", "ich\nHost: b", "contact"),
        ("LESART_CA_FILE", "/no/such/file.pem", "ca_file"),
        ("LESART_ROBOTS_STRICT", "vielleicht", "robots_strict"),
    ],
)
def test_a_wrong_setting_of_the_web_names_its_key(name, value, named):
    with pytest.raises(SettingsError) as caught:
        load({name: value})
    assert caught.value.key == named
    assert str(caught.value).startswith(f"setting {named} ({name}): ")


def test_own_servers_are_reported_with_where_they_are():
    settings = load({"LESART_ALLOW_HOSTS": "wiki.intern:443=10.1.2.3, [::1]:8080"})
    assert settings.allow_hosts == ("wiki.intern:443=10.1.2.3:443", "[::1]:8080=[::1]:8080")
    assert load().allow_hosts == ()
    assert load({"LESART_WEB_HOSTS": "Archiv.intern, archiv"}).web_hosts == (
        "archiv.intern",
        "archiv",
    )


def test_in_the_image_a_missing_file_of_the_stack_names_the_remedy(monkeypatch):
    monkeypatch.setenv("LESART_IMAGE", "true")
    with pytest.raises(SettingsError, match="start the stack first: docker compose up --wait"):
        load({"LESART_BROKER_URL_FILE": "/secrets/lesart/none"})


def test_a_misspelled_setting_names_the_near_one_only():
    with pytest.raises(SettingsError) as caught:
        load({"LESART_EVRY": "3"})
    assert str(caught.value) == (
        "setting LESART_EVRY: there is no such setting; did you mean 'every'?"
    )


def test_a_file_with_settings_that_is_missing_is_a_sentence():
    with pytest.raises(SettingsError) as caught:
        load(config=Path("nope.toml"))
    assert str(caught.value) == (
        "the file with settings nope.toml: it cannot be read: there is no such file"
    )
