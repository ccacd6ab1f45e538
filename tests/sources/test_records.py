"""Of JSON lines, JSON lists and tables each record is a capture; a bad one costs itself only."""

import gzip
import io
import json
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sources.containers.items import Item, Limits, RefusedDocument, UnsettledFile
from worker.sources.containers.table_rows import table_rows
from worker.sources.folders.members import MemberHints, members_of_bytes
from worker.text.file_types import detect_type


def holds(
    name: str, data: str | bytes, limits: Limits | None = None
) -> list[Item | RefusedDocument]:
    raw = data.encode() if isinstance(data, str) else data
    hints = MemberHints(detect_type, lambda column: column == "text", limits or Limits())
    return list(members_of_bytes(name, raw, hints))


def told(outcomes: list[Item | RefusedDocument]) -> list[str]:
    return [
        f"{outcome.member}!{outcome.refused.code}"
        if isinstance(outcome, RefusedDocument)
        else outcome.member
        for outcome in outcomes
    ]


# ------------------------------------------------------------------ JSON lines


def test_each_line_is_a_capture_with_exactly_its_bytes():
    lines = [b'{"id": "a",  "text":"\\u00dc"}', b' {"text": "ohne"} ', b'{"guid": 7}']
    items = holds("a.jsonl", b"\xef\xbb\xbf" + b"\r\n".join(lines))
    assert [item.raw for item in items] == lines
    assert [item.member for item in items] == ["#a", "#2", "#7"]
    assert [item.line for item in items] == [1, 2, 3]
    assert {item.type for item in items} == {"json"}


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.JSONL.gz"])
def test_json_lines_are_known_by_their_name(name):
    data = b'{"id": "a"}\n{"id": "b"}'
    items = holds(name, gzip.compress(data) if name.endswith("gz") else data)
    assert told(items) == ["#a", "#b"]


@pytest.mark.parametrize(
    ("record", "member"),
    [
        ({"id": "a", "guid": "b"}, "#a"),
        ({"guid": "b", "key": "c"}, "#c"),
        ({"GUID": "b"}, "#b"),
        ({"id": 0}, "#0"),
        ({"id": "  a  "}, "#a"),
        ({"id": "", "guid": "b"}, "#b"),
        ({"id": None, "key": True}, "#1"),
        ({"id": 1.5}, "#1"),
        ({"id": ["a"]}, "#1"),
        ({"id": "x" * 501}, "#1"),
        ({"id": "a\nb\\"}, r"#a\x0ab\x5c"),
        ({"id": "\ud83d"}, r"#\ud83d"),
        ({"id": "a#b/c"}, "#a#b/c"),
    ],
)
def test_a_record_is_named_by_its_key_or_its_line(record, member):
    assert told(holds("a.jsonl", json.dumps(record))) == [member]


def test_a_key_that_comes_again_gives_way_to_the_line_and_says_so():
    items = holds("a.jsonl", '{"id": "a"}\n{"id": "a"}\n{"id": "4"}\n{}\n')
    assert told(items) == ["#a", "#2", "#4", "#4~line"]
    assert [item.flags for item in items] == [(), ("key_repeated",), (), ()]


def test_bad_lines_are_refused_with_their_number_and_the_good_ones_go_in():
    data = '{"id": "a"}\n\n{"id": "b", "text": "bricht\n   \n"Satz"\n[1]\n{"id": "c"}\n{]\n'
    outcomes = holds("a.jsonl", data)
    assert told(outcomes) == [
        "#a",
        "#3!record_invalid",
        "#5!record_invalid",
        "#6!record_invalid",
        "#c",
        "#8!record_invalid",
    ]
    bad = outcomes[1]
    assert bad.line == 3
    assert bad.raw == b'{"id": "b", "text": "bricht'
    assert bad.refused.message.startswith("Record 3 could not be read: Unterminated string")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param('{"a": ' + "[" * 100_000, "nested", id="depth"),
        pytest.param('{"a": ' + "9" * 5_000 + "}", "too long", id="number"),
    ],
)
def test_a_line_that_would_break_a_parser_is_refused(line, reason):
    outcomes = holds("a.jsonl", line + '\n{"id": "b"}')
    assert told(outcomes) == ["#1!record_invalid", "#b"]
    assert reason in outcomes[0].refused.message


def test_a_line_above_the_limit_is_refused_alone():
    data = '{"id": "a"}\n' + "x" * 5_000_000 + '\n{"id": "b"}\n' + "y" * 101
    outcomes = holds("a.jsonl", data, Limits(document=100))
    assert told(outcomes) == ["#a", "#2!too_large", "#b", "#4!too_large"]
    assert outcomes[1].raw is None


def test_bytes_that_are_no_utf8_are_left_to_the_text_core():
    line = '{"id": "a", "text": "Käse"}'.encode("cp1252")
    (item,) = holds("a.jsonl", line)
    assert (item.raw, item.charset) == (line, None)


def test_utf16_json_lines_are_refused_once_and_kept():
    data = '{"id": "a"}\n{"id": "b"}\n'.encode("utf-16")
    (rejected,) = holds("a.jsonl", data)
    assert (rejected.member, rejected.refused.code, rejected.raw) == ("", "record_invalid", data)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
@pytest.mark.parametrize("data", ["\n\n", "[]", ""])
def test_a_list_without_a_record_is_never_passed_over(name, data):
    outcomes = holds(name, data)
    assert len(outcomes) == 1


# ------------------------------------------------------------------ JSON lists


def test_an_object_is_one_document():
    data = ' {"id": "a",\n "text": "Text"}\n'
    assert holds("a.json", data) == [Item("a.json", "", data.encode(), "json")]


def test_each_element_of_a_list_is_a_capture_with_exactly_its_bytes():
    elements = [b'{"id": "a", "text": "[,]\\" }"}', b'{ "b" : [1, {"c": "{"}] }']
    items = holds("a.json", b"\xef\xbb\xbf [ " + b" ,\n".join(elements) + b" ] \n")
    assert [item.raw for item in items] == elements
    assert told(items) == ["#a", "#2"]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(st.text(max_size=4), JSON_VALUES, max_size=3), min_size=1, max_size=5),
    st.sampled_from([None, 2]),
    st.booleans(),
)
def test_any_list_of_objects_falls_into_its_elements(elements, indent, is_ascii):
    data = json.dumps(elements, indent=indent, ensure_ascii=is_ascii)
    items = holds("a.json", data.encode("utf-8", "surrogatepass"))
    assert [json.loads(item.raw.decode("utf-8", "surrogatepass")) for item in items] == elements


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param('[{"id": "a"}, {]}, {"id": "c"}]', ["#a", "#2!record_invalid"], id="crossed"),
        pytest.param(
            '[{"id": "a"}, 7, {"id": "c"}]', ["#a", "#2!record_invalid", "#c"], id="number"
        ),
        pytest.param('[{"id": "a"}, , {"id": "c"}]', ["#a", "#2!record_invalid", "#c"], id="gap"),
        pytest.param('[{"id": "a"}, {"id": "c"},]', ["#a", "#c"], id="comma at the end"),
        pytest.param('[{"id": "a"}, {"id": "c"', ["#a", "#2!record_invalid"], id="cut off"),
        pytest.param('[{"id": "a"}, {"id": "c', ["#a", "#2!record_invalid"], id="cut in a string"),
        pytest.param('[{"id": "a"}] x', ["#a", "#2!record_invalid"], id="more behind"),
        pytest.param('[{"id": "a"', ["!record_invalid"], id="cut in the first"),
        pytest.param("[" * 50_000, ["!record_invalid"], id="depth"),
        pytest.param("[]", ["!empty"], id="empty"),
    ],
)
def test_a_broken_list_yields_the_records_that_can_be_distinguished(data, expected):
    assert told(holds("a.json", data))[: len(expected)] == expected


def test_a_list_that_is_cut_off_behind_an_element_says_so():
    outcomes = holds("a.json", '[{"id": "a"}, {"id": "b"}')
    assert told(outcomes)[0] == "#a"
    assert "ends too early" in outcomes[-1].refused.message


def test_json_lines_under_the_name_of_json_are_read_as_lines():
    assert told(holds("a.json", '{"id": "a"}\n{"id": "b"}\n')) == ["#a", "#b"]


def test_a_list_may_be_larger_than_a_document_but_not_its_elements():
    limits = Limits(document=100, list=1000)
    element = '{"text": "' + "x" * 60 + '"}'
    assert told(holds("a.json", f"[{element},{element}]", limits)) == ["#1", "#2"]
    assert told(holds("a.json", '{"text": "' + "x" * 200 + '"}', limits)) == ["!too_large"]
    assert told(holds("a.json", f"[{element}," + '{"id":"' + "x" * 100 + '"}]', limits)) == [
        "#1",
        "#2!too_large",
    ]
    assert told(holds("a.json", "[" + ",".join([element] * 20) + "]", limits)) == ["!too_large"]


# ------------------------------------------------------------------ tables


def test_each_row_is_a_json_object_in_the_order_of_the_columns():
    items = holds("a.csv", 'title,id,text\nÖl,7,"Er sagte ""ja"",\nzweimal."\nZwei,8,Kurz\n')
    assert [item.raw.decode() for item in items] == [
        '{"title": "Öl", "id": "7", "text": "Er sagte \\"ja\\",\\nzweimal."}',
        '{"title": "Zwei", "id": "8", "text": "Kurz"}',
    ]
    assert [(item.member, item.line, item.type, item.charset) for item in items] == [
        ("#7", 2, "csv", "utf-8"),
        ("#8", 4, "csv", "utf-8"),
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("a.csv", "id,text\n1,Regen; Wind", id="comma"),
        pytest.param("a.csv", "id;text\n1;Regen, Wind", id="semicolon"),
        pytest.param("a.csv", "id\ttext\n1\tRegen, Wind; Sturm", id="tab"),
        pytest.param("a.tsv", "id\ttext\n1\tRegen, Wind", id="tsv"),
        pytest.param("a.csv", "sep=;\nid;text\n1;Regen", id="named by Excel"),
        pytest.param("a.csv", "\ufeffid,text\r\n1,Regen\r\n", id="mark and CRLF"),
        pytest.param("a.csv", "id,text\r1,Regen\r", id="CR"),
        pytest.param("a.csv", '"id","text"\n"1","Regen"', id="all quoted"),
        pytest.param("a.csv", "\n\nid,text\n\n1,Regen\n,\n", id="blank rows"),
    ],
)
def test_delimiters_and_line_ends_are_detected_in_the_table(name, data):
    (item,) = holds(name, data)
    assert item.member == "#1"
    assert json.loads(item.raw)["text"].startswith("Regen")


def test_columns_without_a_name_or_with_a_used_one_get_their_number():
    (item,) = holds("a.csv", "text,,text,text_3\na,b,c,d\n")
    assert json.loads(item.raw) == {"text": "a", "column_2": "b", "text_3": "c", "text_3_4": "d"}


def test_rows_of_another_length_are_refused_with_the_line_and_the_good_ones_go_in():
    outcomes = holds("a.csv", 'id,text\n1,"a\nb"\n2,a,b\n3\n4,gut\n')
    assert told(outcomes) == ["#1", "#2!record_invalid", "#3!record_invalid", "#4"]
    assert [outcome.line for outcome in outcomes] == [2, 4, 5, 6]
    assert outcomes[1].refused.message == (
        "Record 4 could not be read: it has 3 cells, the header has 2."
    )
    assert outcomes[1].raw == b"2,a,b\n"


def test_a_quote_that_never_closes_costs_its_row_only():
    rows = "".join(f"{number},gut\n" for number in range(3, 50))
    outcomes = holds("a.csv", f'id,text\n1,gut\n2,"offen\n{rows}')
    good = [f"#{number}" for number in range(3, 50)]
    assert told(outcomes) == ["#1", "#3~line!record_invalid", *good]
    assert outcomes[1].line == 3


def test_a_bad_line_never_takes_the_name_of_a_good_record():
    outcomes = holds("a.jsonl", "kaputt\n" + "".join(f'{{"id": {n}}}\n' for n in range(1, 9)))
    assert told(outcomes) == ["#1!record_invalid", *(f"#{n}" for n in range(1, 9))]


def test_many_quotes_that_never_close_end_in_bounded_time():
    """Each line reads as open from its beginning and from within: the worst there is."""
    outcomes = holds("a.csv", "id,text\n" + 'a","\n' * 20_000)
    assert all(isinstance(outcome, RefusedDocument) for outcome in outcomes)
    assert len(outcomes) < 200


def test_a_row_above_the_limit_is_refused_alone():
    data = "id,text\n1,gut\n2," + "x" * 50_000 + "\n3,gut\n"
    outcomes = holds("a.csv", data, Limits(document=100))
    assert told(outcomes) == ["#1", "#3~line!too_large", "#3"]


def test_a_field_above_the_limit_of_the_csv_module_is_read():
    (item,) = holds("a.csv", "id,text\n1," + "x" * 300_000)
    assert len(item.raw) > 300_000


def test_a_table_that_is_no_utf8_is_guessed_and_flagged():
    data = "id,text\n1,Küche\n2,kahl\n".encode("cp1252")
    umlaut, plain = holds("a.csv", data)
    assert json.loads(umlaut.raw)["text"] == "Küche"
    assert (umlaut.flags, plain.flags) == (("encoding_guessed",), ())


def test_a_utf16_table_with_a_mark_is_read():
    (item,) = holds("a.csv", "id,text\n1,Küche\n".encode("utf-16"))
    assert json.loads(item.raw) == {"id": "1", "text": "Küche"}


@pytest.mark.parametrize("data", ["1,2,3\n4,5,6\n", 'id,"text\n1,a\n'])
def test_a_table_without_a_header_is_refused_as_a_whole_and_kept(data):
    (rejected,) = holds("a.csv", data)
    assert (rejected.member, rejected.refused.code) == ("", "record_invalid")
    assert rejected.raw == data.encode()


def test_a_header_without_rows_is_empty():
    assert told(holds("a.csv", "id,text\n")) == ["!empty"]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), st.sampled_from(",;\t"))
def test_any_table_that_is_written_is_read_back(rows, delimiter):
    quoted = [
        delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row)
        for row in [("text", "note"), *rows]
    ]
    items = holds("a.csv", "\r\n".join(quoted))
    kept = [row for row in rows if any(cell.strip() for cell in row)]
    if kept:
        assert [tuple(json.loads(item.raw).values()) for item in items] == kept


# ------------------------------------------------------------------ streams


def test_a_list_larger_than_memory_allows_is_streamed(folder):
    folder.limits = Limits(document=1_000, list=2_000, container=1_000_000)
    lines = "".join(f'{{"id": "{number}"}}\n' for number in range(1_000))
    assert told(folder.holds("a.jsonl", lines)) == [f"#{number}" for number in range(1_000)]
    table = "id,text\n" + "".join(f"{number},Text\n" for number in range(1_000))
    assert told(folder.holds("a.csv", table)) == [f"#{number}" for number in range(1_000)]
    folder.limits = Limits(document=1_000, container=5_000)
    assert told(folder.capture("a.jsonl")) == ["!too_large"]


def test_a_list_that_changes_while_it_is_streamed_gives_no_further_records(folder):
    folder.limits = Limits(document=1_000)
    line = '{"id": "%06d", "text": "' + "x" * 200 + '"}\n'
    path = folder.write("a.jsonl", "".join(line % number for number in range(5_000)))
    hints = MemberHints(detect_type, limits=folder.limits)
    from worker.sources.folders.capture import capture

    outcomes = capture(folder.root, "a.jsonl", hints, folder.clock.patience(wait=False))
    first = next(outcomes)
    path.write_text("".join(line.replace("x", "y") % number for number in range(5_000)))
    rest = list(outcomes)
    assert b"x" in first.raw
    assert isinstance(rest[-1], UnsettledFile)
    assert not any(b"y" in item.raw for item in rest[:-1])
    assert len(rest) < 5_000


def test_every_outcome_of_a_random_table_has_a_name_of_its_own():
    """Rows of random signs, quotes among them, so that most are broken somehow."""
    rng = random.Random(7)
    signs = 'ab",;\n\t'
    data = "id,text\n" + "".join(rng.choice(signs) for _ in range(5_000))
    outcomes = holds("a.csv", data)
    assert len({outcome.member for outcome in outcomes}) == len(outcomes)


def test_a_header_of_very_many_columns_is_named_in_time_that_grows_with_it():
    row = b"text" + b",x" * 100_000
    begun = time.thread_time()
    (found,) = table_rows(io.BytesIO(row + b"\n" + row.replace(b"x", b"y") + b"\n"), 10_000_000)
    assert time.thread_time() - begun < 10
    assert len(json.loads(found.raw)) == 100_001


def test_at_most_a_sample_of_long_lines_is_checked():
    stream = io.BytesIO(b"title,text\n" + (b"P," + b"a" * 1_000_000 + b"\n") * 30)
    next(table_rows(stream, 10_000_000))
    assert stream.tell() < 10_000_000
