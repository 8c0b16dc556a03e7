"""The rules of single cells: what is accepted, what it becomes, and what the message of a fault says."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.faults import Fault, FaultCode
from ingestion.values import cells, date_forms, dates, durations, emails
from ingestion.values.cells import Cell, Rule

RULES: dict[str, Rule] = {
    "participant_email": emails.email,
    "feedback_text": cells.text_up_to(5_000),
    "duration_minutes": durations.duration,
    "rating": cells.rating,
    "language_level": cells.level,
    "topics": cells.comma_list,
    "metadata": cells.metadata,
    "scheduled_at": dates.date,
}


def read(field: str, text: str) -> Cell | Fault:
    return RULES[field](field, text)


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize("field", [field for field in RULES if field != "topics"])
@pytest.mark.parametrize("blank", ["", " ", "\t", "\u00a0", "\u200b \ufeff", "\r\n"], ids=ascii)
def test_a_cell_of_blanks_holds_nothing(field: str, blank: str) -> None:
    assert read(field, blank) is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("anna@example.org", "anna@example.org", id="plain"),
        pytest.param("Anna.Berg@Example.ORG", "anna.berg@example.org", id="upper case"),
        pytest.param("\u00a0anna@example.org\u200b ", "anna@example.org", id="NBSP and zero width around"),
        pytest.param("\ufeffanna@example.org\r\n", "anna@example.org", id="BOM and line break around"),
        pytest.param("anna+mfu@mail.example.org", "anna+mfu@mail.example.org", id="plus and subdomain"),
        pytest.param("o'brien_1-2@acme.com", "o'brien_1-2@acme.com", id="marks that names have"),
        pytest.param("anna@local.test", "anna@local.test", id="domain for tests"),
        pytest.param("post@blåbær.example.org", "post@blåbær.example.org", id="international domain"),
        pytest.param("anna@a-b--c.example.org", "anna@a-b--c.example.org", id="hyphens in the domain"),
        pytest.param("anna@a-b--c.xn--p1ai", "anna@a-b--c.рф", id="punycode is the international domain"),
        pytest.param("post@XN--BLBR-ROAH.example.org", "post@blåbær.example.org", id="punycode in upper case"),
        pytest.param("anna@xn--zzzzz99999.org", "anna@xn--zzzzz99999.org", id="punycode of nothing stays"),
        pytest.param("anna@xn----eha.org", "anna@xn----eha.org", id="punycode of what is no label stays"),
        pytest.param("anna@xn--nder-fna.org", "anna@xn--nder-fna.org", id="punycode of a capital stays"),
        pytest.param("mailto:anna@example.org", "anna@example.org", id="a link"),
        pytest.param("MAILTO:anna@example.org;", "anna@example.org", id="a link out of a list"),
        pytest.param("anna@example.org.", "anna@example.org", id="dot at the end"),
        pytest.param("anna@example.org,", "anna@example.org", id="comma at the end"),
        pytest.param("jose\u0301@example.org", "jos\u00e9@example.org", id="a letter in two parts"),
        pytest.param("\u202aanna@example.org\u202c", "anna@example.org", id="marks of direction around"),
        pytest.param("\u2066anna@example.org\u2069", "anna@example.org", id="isolates around"),
        pytest.param('="anna@example.org"', "anna@example.org", id="held by a spreadsheet"),
        pytest.param("a" * 243 + "@example.org", "a" * 243 + "@example.org", id="255 characters"),
    ],
)
def test_an_address_is_trimmed_and_lower_case(text: str, address: str) -> None:
    assert read("participant_email", text) == address


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("anna", '"anna" is not an email address; write one such as name@example.org', id="no at"),
        pytest.param("anna@example", "is not an email address", id="no dot in the domain"),
        pytest.param("anna@example.c", "is not an email address", id="top level of one letter"),
        pytest.param("anna@1.2.3.44", "is not an email address", id="numbers for a domain"),
        pytest.param("@example.org", "is not an email address", id="no name"),
        pytest.param("anna@", "is not an email address", id="no domain"),
        pytest.param("anna@@example.org", "is not an email address", id="two ats"),
        pytest.param("anna berg@example.org", "is not an email address", id="space"),
        pytest.param("anna..berg@example.org", "is not an email address", id="two dots"),
        pytest.param(".anna@example.org", "is not an email address", id="leading dot"),
        pytest.param("anna.@example.org", "is not an email address", id="trailing dot"),
        pytest.param("anna@example..org", "is not an email address", id="two dots in the domain"),
        pytest.param("anna@-example.org", "is not an email address", id="leading hyphen"),
        pytest.param("an\u200bna@example.org", '"an\\u200bna@example.org"', id="zero width inside is made visible"),
        pytest.param("\u212aari@acme.com", "is not an email address", id="a Kelvin sign for a k"),
        pytest.param("anna@example\u3002org", "is not an email address", id="a full stop of another script"),
        pytest.param("a@example.org, b@example.org", "contains more than one address; keep one", id="two with comma"),
        pytest.param("a@example.org;b@example.org", "contains more than one address", id="two with semicolon"),
        pytest.param("a@example.org b@example.org", "contains more than one address", id="two with space"),
        pytest.param("a@example.org\nb@example.org", "contains more than one address", id="two with line break"),
        pytest.param("Bob <b@x.com>", "write only the part between < and >", id="name and address"),
        pytest.param("anna@example.org..", "is not an email address", id="two dots at the end"),
        pytest.param("\u212aåri@acme.com", "is not an email address", id="a Kelvin sign beside a letter of its own"),
        pytest.param("\u043ele@acme,com", "another script: Cyrillic \u043e, U+043E)", id="a letter of another script"),
        pytest.param("a" * 244 + "@example.org", "is longer than 255 characters", id="256 characters"),
        pytest.param("a" * 247 + "@example", "is not an email address", id="255 characters, no domain"),
    ],
)
def test_what_is_not_one_address_is_refused(text: str, told: str) -> None:
    fault = read("participant_email", text)
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.INVALID_EMAIL
    assert fault.message.startswith("participant_email: ")
    assert told in fault.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2024-11-13", moment(2024, 11, 13), id="date"),
        pytest.param("2024-11-13T14:30:15Z", moment(2024, 11, 13, 14, 30, 15), id="Z"),
        pytest.param("2024-11-13T14:30:15", moment(2024, 11, 13, 14, 30, 15), id="no offset is UTC"),
        pytest.param("2024-11-13 14:30:15", moment(2024, 11, 13, 14, 30, 15), id="space"),
        pytest.param("2024-11-13t14:30:15z", moment(2024, 11, 13, 14, 30, 15), id="lower case"),
        pytest.param("2024-11-13T14:30", moment(2024, 11, 13, 14, 30), id="no seconds"),
        pytest.param("2024-11-13 14:30Z", moment(2024, 11, 13, 14, 30), id="no seconds, Z"),
        pytest.param("2024-11-13T14:30:15+02:00", moment(2024, 11, 13, 12, 30, 15), id="offset"),
        pytest.param("2024-11-13T14:30:15-0530", moment(2024, 11, 13, 20, 0, 15), id="offset without colon"),
        pytest.param("2024-11-13T14:30+02", moment(2024, 11, 13, 12, 30), id="offset of hours"),
        pytest.param("2024-11-13T14:30:15.250Z", moment(2024, 11, 13, 14, 30, 15, 250_000), id="milliseconds"),
        pytest.param("2024-11-13 14:30:15,5", moment(2024, 11, 13, 14, 30, 15, 500_000), id="fraction with comma"),
        pytest.param("2024-11-13T14:30:15.123456789Z", moment(2024, 11, 13, 14, 30, 15, 123_456), id="nanoseconds"),
        pytest.param("13.11.2024", moment(2024, 11, 13), id="dots"),
        pytest.param("3.4.2024", moment(2024, 4, 3), id="dots, one digit, day first"),
        pytest.param("13.11.2024 14:30", moment(2024, 11, 13, 14, 30), id="dots and time"),
        pytest.param("13.11.2024 14:30:15", moment(2024, 11, 13, 14, 30, 15), id="dots and seconds"),
        pytest.param(" \u00a02024-11-13\u200b", moment(2024, 11, 13), id="blanks around"),
        pytest.param("2024-02-29", moment(2024, 2, 29), id="leap day"),
        pytest.param("1900-01-01", moment(1900, 1, 1), id="first year"),
        pytest.param("9999-12-31T23:59:59Z", moment(9999, 12, 31, 23, 59, 59), id="far future"),
    ],
)
def test_an_unambiguous_date_is_a_moment_in_utc(text: str, expected: datetime) -> None:
    value = read("scheduled_at", text)
    assert value == expected
    assert isinstance(value, datetime)
    assert value.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2024-W46-3", id="week date"),
        pytest.param("2024-W46-3T14:30:15", id="week date and time"),
        pytest.param("2024-318", id="ordinal date"),
        pytest.param("20241113", id="basic date"),
        pytest.param("20241113T143015Z", id="basic date-time"),
        pytest.param("2024-11-13T143015", id="basic time"),
        pytest.param("2024-11-13T14", id="hour alone"),
        pytest.param("2024-11-13x14:30", id="another separator"),
        pytest.param("2024-11-13  14:30", id="two spaces"),
        pytest.param("1731508215", id="unix time"),
        pytest.param("45609", id="serial number of a spreadsheet"),
        pytest.param("2024-11", id="month"),
        pytest.param("2024", id="year"),
        pytest.param("13.11.24", id="year of two digits"),
        pytest.param("13-11-2024", id="day first, hyphens"),
        pytest.param("11/13/24", id="slashes, year of two digits"),
        pytest.param("2024-02-30", id="30 February"),
        pytest.param("30.2.2024", id="30 February with dots"),
        pytest.param("2023-02-29T10:00:00Z", id="no leap year"),
        pytest.param("2024-13-01", id="month 13"),
        pytest.param("2024-11-13T25:00", id="hour 25"),
        pytest.param("2024-11-13T14:60:00Z", id="minute 60"),
        pytest.param("2024-11-13T14:30:15+25:00", id="offset of a day"),
        pytest.param("2024-11-13T14:30:15+01:99", id="offset of 99 minutes"),
        pytest.param("2024-11-13T14:30:15+0160", id="offset of 60 minutes"),
        pytest.param("2024-11-13T14:30:15+15:00", id="offset of no place"),
        pytest.param("2024-11-13T14:30:15\u221201:00", id="minus sign of typographers"),
        pytest.param("2024-11-13T24:00:00Z", id="the end of a day"),
        pytest.param("2024-11-13T23:59:60Z", id="leap second"),
        pytest.param("2024-11-1\uff13", id="a wide digit"),
        pytest.param("1899-12-31", id="before 1900"),
        pytest.param("0001-01-01T00:00:00+14:00", id="offset out of the calendar"),
        pytest.param("9999-12-31T23:59:59-01:00", id="offset out of the calendar at its end"),
        pytest.param("٢٠٢٤-١١-١٣", id="digits of another script"),
        pytest.param("tomorrow", id="word"),
    ],
)
def test_a_date_that_needs_a_guess_is_refused(text: str) -> None:
    fault = read("scheduled_at", text)
    assert isinstance(fault, Fault)
    assert (fault.code, fault.field) == (FaultCode.INVALID_DATE, "scheduled_at")
    assert text[:40] in fault.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("03/04/2024", '"03/04/2024" is ambiguous; write 2024-04-03 or 2024-03-04, or say whether'),
        ("3/4/2024 14:30", "is ambiguous; write 2024-04-03T14:30:00 or 2024-03-04T14:30:00, or say"),
        ("3/4/2024 2:30 PM", "is ambiguous; write 2024-04-03T14:30:00 or 2024-03-04T14:30:00, or say"),
        ("11/13/2024", "has slashes, and the order of day and month is never guessed; write 2024-11-13"),
        ("11/13/2024 2:00 PM", "is never guessed; write 2024-11-13T14:00:00"),
        ("13/11/2024 09:15Z", "is never guessed; write 2024-11-13T09:15:00Z"),
        ("04/04/2024", "has slashes, and the order of day and month is never guessed; write 2024-04-04"),
        ("31/31/2024", '"31/31/2024" is not a date; write it as YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ'),
        ("45609", "looks like a spreadsheet's serial number for 2024-11-13; write the date itself"),
        ("45609.5833", "looks like a spreadsheet's serial number for 2024-11-13"),
        ("13.11.24", '"13.11.24" has a two-digit year, which could be in any century; write it as YYYY-MM-DD'),
        ("13/11/24 10:00", "has a two-digit year"),
        ("13-Nov-24", "has a two-digit year"),
        ("13-11-2024", "has hyphens, and the order of day and month is never guessed; write 2024-11-13"),
        ("0/0/2024", '"0/0/2024" is not a date'),
        ("2024-02-30", '"2024-02-30" has a day or a time that does not exist'),
    ],
)
def test_a_refused_date_is_told_what_to_write(text: str, told: str) -> None:
    fault = dates.date("scheduled_at", text)
    assert isinstance(fault, Fault)
    assert told in fault.message


FIRST, LAST = (moment(*day).replace(tzinfo=None) for day in ((1900, 1, 1), (9999, 12, 31)))


@given(st.datetimes(FIRST, LAST), st.sampled_from("T "))
@settings(deadline=None, database=None)
def test_what_isoformat_writes_is_read_back(written: datetime, separator: str) -> None:
    assert dates.date("scheduled_at", written.isoformat(separator)) == written.replace(tzinfo=UTC)


@given(st.text(alphabet="0123456789-:.TZW+ /", max_size=26))
@settings(deadline=None, database=None, max_examples=500)
def test_the_short_cut_for_usual_dates_takes_nothing_that_the_pattern_refuses(text: str) -> None:
    value = dates.date("scheduled_at", text)
    if isinstance(value, datetime):
        assert date_forms.read_date(text.strip()) is not None


def test_ten_years_ago_is_counted_by_the_day() -> None:
    assert dates.earliest(moment(2024, 11, 13, 15, 30), 10) == moment(2014, 11, 13)
    assert dates.earliest(moment(2024, 2, 29, 15, 30), 10) == moment(2014, 2, 28)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("1", 1),
        ("60", 60),
        (" 60 ", 60),
        ("480", 480),
        ("060", 60),
        ("60.0", 60),
        ("60,00", 60),
        ("\u00a045\u200b", 45),
    ],
    ids=ascii,
)
def test_whole_minutes_are_taken_as_excel_may_write_them(text: str, minutes: int) -> None:
    assert read("duration_minutes", text) == minutes


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "481",
        "-5",
        "+60",
        "60.5",
        "1e2",
        "1:00",
        "one",
        "1,000",
        "1.000",
        "٦٠",
        "9" * 300,
        "60.",
        "NaN",
        "６０",
        "²",
        "60,0,0",
    ],
)
def test_anything_but_1_to_480_whole_minutes_is_refused(text: str) -> None:
    fault = read("duration_minutes", text)
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.INVALID_DURATION
    assert "whole number of minutes from 1 to 480" in fault.message


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("4", "4"),
        ("4.5", "4.5"),
        ("4,5", "4.5"),
        (" 0.50 ", "0.50"),
        ("-1", "-1"),
        ("7", "7"),
        (".5", "0.5"),
        ("4.", "4"),
    ],
)
def test_a_rating_is_taken_exactly_as_written(text: str, number: str) -> None:
    assert read("rating", text) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    ["good", "4/5", "NaN", "Infinity", "-inf", "1e0", "80%", "4 5", "1.000,5", "٤", "4" * 41, "½", "−4", "５", "4,5,"],
)
def test_a_rating_that_is_no_number_is_refused(text: str) -> None:
    fault = read("rating", text)
    assert isinstance(fault, Fault)
    assert (fault.code, fault.field) == (FaultCode.INVALID_RATING, "rating")


@pytest.mark.parametrize("level", cells.LEVELS)
def test_a_level_is_taken_in_any_case_and_stored_upper(level: str) -> None:
    assert read("language_level", f" {level.lower()}\u00a0") == level


@pytest.mark.parametrize("text", ["A3", "A", "1", "B1+", "B1/B2", "native", "Б1", "ß1"], ids=ascii)
def test_another_level_is_refused(text: str) -> None:
    fault = read("language_level", text)
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.INVALID_LEVEL
    assert "write one of A1, A2, B1, B2, C1, C2" in fault.message


def test_a_text_keeps_its_inner_line_breaks() -> None:
    assert read("feedback_text", "\u00a0 Fint!\r\n\r\nGleder meg. \n") == "Fint!\r\n\r\nGleder meg."


def test_the_length_of_a_text_counts_after_trimming() -> None:
    assert read("feedback_text", " " + "ø" * 5_000 + "\u200b") == "ø" * 5_000
    fault = read("feedback_text", "ø" * 5_001)
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.TEXT_TOO_LONG
    assert "has 5,001 characters; shorten it to at most 5,000" in fault.message
    assert len(fault.message) < 200


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        pytest.param("", (), id="empty"),
        pytest.param(" ,\u00a0, ", (), id="only commas"),
        pytest.param("work", ("work",), id="one"),
        pytest.param(" work ,, food,\u200btravel\u00a0,", ("work", "food", "travel"), id="trimmed, empties dropped"),
        pytest.param("food,work,food", ("food", "work", "food"), id="order and repeats kept"),
        pytest.param("a; b", ("a; b",), id="only commas part"),
    ],
)
def test_a_comma_list_becomes_topics(text: str, topics: tuple[str, ...]) -> None:
    assert read("topics", text) == topics


def test_topics_are_too_long_beyond_1000_characters_in_all() -> None:
    assert read("topics", "a," * 499 + "aa") == ("a",) * 499 + ("aa",)
    fault = read("topics", "a," * 500 + "a")
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.TEXT_TOO_LONG


@pytest.mark.parametrize(
    ("text", "compact"),
    [
        pytest.param('{"b": 1, "a": [true, null]}', '{"a":[true,null],"b":1}', id="compact, keys sorted"),
        pytest.param(' {"rom": "Ås"} \u00a0', '{"rom":"Ås"}', id="letters as they are"),
        pytest.param("5", "5", id="a number"),
        pytest.param("[]", "[]", id="empty list"),
        pytest.param("null", None, id="null"),
        pytest.param(r'"\\u0000"', r'"\\u0000"', id="a backslash and the letters u0000"),
        pytest.param(r'"\ud83d\ude00"', '"😀"', id="surrogate pair"),
        pytest.param("12345678901234567890123", "12345678901234567890123", id="large whole number"),
        pytest.param("[0.12345678901234567890, 1E2]", "[0.12345678901234567890,1E2]", id="every digit of a number"),
        pytest.param("[0e-99999999, -0.0, 0.000]", "[0.0,0.0,0.0]", id="nothing, however it is written"),
        pytest.param('{"a": {"k": 1}, "b": {"k": 2}}', '{"a":{"k":1},"b":{"k":2}}', id="one key in two objects"),
        pytest.param("[" * 100 + "]" * 100, "[" * 100 + "]" * 100, id="100 levels"),
    ],
)
def test_metadata_is_compact_json(text: str, compact: str | None) -> None:
    assert read("metadata", text) == compact


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{room: 1}", id="no quotes"),
        pytest.param("{'room': 1}", id="single quotes"),
        pytest.param("{“room”: 1}", id="typographic quotes"),
        pytest.param('{"a": 1} {"b": 2}', id="two values"),
        pytest.param('{"a": NaN}', id="NaN"),
        pytest.param("-Infinity", id="Infinity"),
        pytest.param('{"a": 1e999}', id="beyond a double"),
        pytest.param('{"a": 1e-400}', id="too small for a double"),
        pytest.param('{"a": 1, "b": 2, "a": 1}', id="a key twice"),
        pytest.param('{"x": [{"a": 1, "\\u0061": 2}]}', id="a key twice, once escaped, inside"),
        pytest.param("[" * 101 + "]" * 101, id="101 levels"),
        pytest.param("[" * 1_000 + "]" * 1_000, id="1,000 levels"),
        pytest.param('{"k":' * 300 + "1" + "}" * 300, id="300 levels of objects"),
        pytest.param(r'"\u00001.5\u0000"', id="NULs around digits"),
        pytest.param(r'{"a": "\u0000"}', id="NUL in a text"),
        pytest.param(r'{"\u0000": 1}', id="NUL in a key"),
        pytest.param(r'"\\\u0000"', id="NUL after a backslash"),
        pytest.param(r'{"a": "\ud800"}', id="half a surrogate pair"),
        pytest.param("[" * 2_000, id="deep, not closed"),
        pytest.param('{"a": "line\nbreak"}', id="bare line break in a text"),
    ],
)
def test_metadata_that_can_not_be_stored_is_refused(text: str) -> None:
    fault = read("metadata", text)
    assert isinstance(fault, Fault)
    assert (fault.code, fault.field) == (FaultCode.METADATA_NOT_JSON, "metadata")
    assert "is not JSON" in fault.message


def test_metadata_beyond_2000_characters_is_too_long() -> None:
    assert read("metadata", '"' + "a" * 1_998 + '"') == '"' + "a" * 1_998 + '"'
    fault = read("metadata", '"' + "a" * 1_999 + '"')
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.TEXT_TOO_LONG


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
@settings(deadline=None, database=None)
def test_metadata_means_what_the_file_said(value: object) -> None:
    text = json.dumps(value)
    compact = cells.metadata("metadata", text)
    if isinstance(compact, str):
        assert json.loads(compact) == json.loads(text)
    else:
        assert value is None or "\\u" in text or len(text) > cells.LONGEST_METADATA


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        pytest.param("short", '"short"', id="as it is"),
        pytest.param("a\u00a0b\u200b", '"a\\u00a0b\\u200b"', id="marks that do not show are spelt"),
        pytest.param("a\r\nb\tc", '"a  b c"', id="line breaks and tabs become spaces"),
        pytest.param("x" * 100, '"' + "x" * 59 + '…"', id="long texts are cut"),
    ],
)
def test_messages_quote_a_value_in_one_short_line(text: str, quoted: str) -> None:
    assert cells.shown(text) == quoted


@given(st.sampled_from(sorted(RULES)), st.text())
@settings(deadline=None, database=None, max_examples=300)
def test_no_text_breaks_a_rule(field: str, text: str) -> None:
    value = read(field, text)
    if isinstance(value, Fault):
        assert value.field == field
        assert value.message.startswith(f"{field}: ")
        assert "\n" not in value.message


@given(st.lists(st.text(alphabet='ab \xa0\u200b\n\t"', max_size=8), max_size=6))
def test_many_texts_at_once_are_what_each_of_them_is(texts: list[str]) -> None:
    each = [cells.text_up_to(5)("feedback_text", text) for text in texts]
    at_once = cells.texts_up_to(5)(texts)
    assert at_once == (None if any(isinstance(value, Fault) for value in each) else each)


@pytest.mark.parametrize("word", ["N/A", "NULL", "None", "-", "NA", "nan", "NaN", "NaT", "<NA>", "nil"])
def test_a_word_for_nothing_is_no_id_by_itself_or_among_others(word: str) -> None:
    assert cells.id_up_to(255)("session_id", f" {word} ") is None
    assert cells.ids_up_to(255)(["MS-1", word]) is None
    assert cells.text_up_to(255)("feedback_text", word) == word
