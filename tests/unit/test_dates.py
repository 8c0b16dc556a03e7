"""The forms in which files write dates, and what an uploader may declare of them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.faults import Fault, FaultCode
from ingestion.values import dates
from ingestion.values.date_forms import DateOrder
from ingestion.values.dates import Declared
from ingestion.values.months import MONTHS

OSLO = ZoneInfo("Europe/Oslo")
AT_TWO, AT_HALF_PAST = datetime(2024, 11, 13, 14, tzinfo=UTC), datetime(2024, 11, 13, 14, 30, tzinfo=UTC)
MIDNIGHT = datetime(2024, 11, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-11-13 14:00:00 UTC", AT_TWO),
        ("2024-11-13T14:00 GMT", AT_TWO),
        ("2024-11-13 14:00:00Z", AT_TWO),
        ("2024-11-13 14:00:00 Z", AT_TWO),
        ("2024-11-13 14:00:00 +0000", AT_TWO),
        ("2024-11-13 16:00:00 +02:00", AT_TWO),
        ("2024-11-13T16:00:00.000+0200", AT_TWO),
        ("2024-11-13 2:00 PM", AT_TWO),
        ("2024-11-13 02:00 PM", AT_TWO),
        ("2024-11-13 02:00:00 p.m.", AT_TWO),
        ("2024-11-13 2:00\u202fPM", AT_TWO),
        ("2024-11-13 12:00 AM", MIDNIGHT),
        ("2024-11-13 12:00 PM", datetime(2024, 11, 13, 12, tzinfo=UTC)),
        ("2024/11/13", MIDNIGHT),
        ("2024/11/13 14:30", AT_HALF_PAST),
        ("13.11.2024, 14.30", AT_HALF_PAST),
        ("13.11.2024, 14:30", AT_HALF_PAST),
        ("13.11.2024 kl. 14.30", AT_HALF_PAST),
        ("Nov 13, 2024", MIDNIGHT),
        ("November 13 2024", MIDNIGHT),
        ("13 Nov 2024", MIDNIGHT),
        ("13-Nov-2024", MIDNIGHT),
        ("13. november 2024", MIDNIGHT),
        ("13. nov. 2024 14:30", AT_HALF_PAST),
        ("13 листопада 2024", MIDNIGHT),
        ("13 листопада 2024 р.", MIDNIGHT),
        ("13 листопада 2024, 14:30", AT_HALF_PAST),
        ("NOV 13, 2024 2:30 pm", AT_HALF_PAST),
        ("Nov 13, 2024 at 2:30 PM", AT_HALF_PAST),
        ('="2024-11-13"', MIDNIGHT),
        ("\u202a2024-11-13\u202c", MIDNIGHT),
    ],
    ids=ascii,
)
def test_a_date_may_be_written_as_people_write_it(text: str, moment: datetime) -> None:
    assert dates.date("scheduled_at", text) == moment


@pytest.mark.parametrize("name", MONTHS)
def test_every_name_of_a_month_is_that_month(name: str) -> None:
    for written in (name, name.title(), name.upper()):
        assert dates.date("scheduled_at", f"7 {written} 2025") == datetime(2025, MONTHS[name], 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("13 Nov 24", id="year of two digits"),
        pytest.param("Nov 2024", id="no day"),
        pytest.param("13 nonember 2024", id="no month"),
        pytest.param("30 Feb 2025", id="no day of the calendar"),
        pytest.param("2024-11-13 14:00 PM", id="no hour of a half day"),
        pytest.param("2024-11-13 0:30 AM", id="no hour of a half day either"),
        pytest.param("2024-11-13 14:30.50", id="a fraction of a minute"),
        pytest.param("2024-11-13 14:00 CET", id="another zone"),
        pytest.param("2024-11-13 14:00 UTC+1", id="an offset from a name"),
        pytest.param("2024-11-13\n2024-11-14", id="two dates"),
        pytest.param("2024-11/13", id="two separators"),
        pytest.param("1" * 60_000, id="a text without end"),
    ],
)
def test_what_would_need_a_guess_stays_refused(text: str) -> None:
    fault = dates.date("scheduled_at", text)
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.INVALID_DATE


@pytest.mark.parametrize(
    ("order", "text", "day"),
    [
        (DateOrder.DAY_FIRST, "03/04/2024", date(2024, 4, 3)),
        (DateOrder.MONTH_FIRST, "03/04/2024", date(2024, 3, 4)),
        (DateOrder.DAY_FIRST, "13-11-2024", date(2024, 11, 13)),
        (DateOrder.MONTH_FIRST, "11/13/2024", date(2024, 11, 13)),
        (DateOrder.MONTH_FIRST, "13.11.2024", date(2024, 11, 13)),
    ],
)
def test_a_declared_order_is_no_guess(order: DateOrder, text: str, day: date) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert dates.rule(Declared(order))("scheduled_at", text) == midnight


@pytest.mark.parametrize(
    ("order", "text"), [(DateOrder.DAY_FIRST, "11/13/2024"), (DateOrder.MONTH_FIRST, "13/11/2024 09:15")]
)
def test_what_the_declared_order_can_not_be_is_refused(order: DateOrder, text: str) -> None:
    fault = dates.rule(Declared(order))("scheduled_at", text)
    assert isinstance(fault, Fault)
    assert f"can't be {order}, which this file was declared to be; write 2024-11-13" in fault.message


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-11-13T14:30:00", datetime(2024, 11, 13, 13, 30, tzinfo=UTC)),
        ("2024-07-13 14:30", datetime(2024, 7, 13, 12, 30, tzinfo=UTC)),
        ("13.07.2024", datetime(2024, 7, 12, 22, tzinfo=UTC)),
        ("2024-07-13", datetime(2024, 7, 12, 22, tzinfo=UTC)),
        ("2024-07-13T14:30:00Z", datetime(2024, 7, 13, 14, 30, tzinfo=UTC)),
        ("2024-07-13T14:30:00+03:00", datetime(2024, 7, 13, 11, 30, tzinfo=UTC)),
    ],
)
def test_a_declared_zone_is_that_of_times_without_an_offset(text: str, moment: datetime) -> None:
    assert dates.rule(Declared(zone=OSLO))("scheduled_at", text) == moment


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-03-29T02:30", "2026-03-29 02:30 does not exist in Europe/Oslo"),
        (
            "25.10.2026 02.30",
            "occurs twice in Europe/Oslo, where the clocks change; write 2026-10-25T02:30:00+02:00 or "
            "2026-10-25T02:30:00+01:00",
        ),
    ],
)
def test_a_time_that_the_clocks_skip_or_repeat_is_refused(text: str, told: str) -> None:
    fault = dates.rule(Declared(zone=OSLO))("scheduled_at", text)
    assert isinstance(fault, Fault)
    assert told in fault.message


def test_a_midnight_that_does_not_exist_is_refused() -> None:
    fault = dates.rule(Declared(zone=ZoneInfo("Asia/Beirut")))("scheduled_at", "2026-03-29")
    assert isinstance(fault, Fault)
    assert "2026-03-29 00:00 does not exist in Asia/Beirut" in fault.message


FIRST, LAST = (datetime(*day, tzinfo=UTC).replace(tzinfo=None) for day in ((1900, 1, 2), (9999, 12, 30)))


@given(st.datetimes(FIRST, LAST))
@settings(deadline=None, database=None)
def test_a_time_in_a_zone_is_the_moment_that_its_clock_shows(local: datetime) -> None:
    local = local.replace(second=0, microsecond=0)
    moment = dates.rule(Declared(zone=OSLO))("scheduled_at", local.isoformat(" "))
    if isinstance(moment, datetime):
        assert moment.astimezone(OSLO).replace(tzinfo=None) == local


def test_what_was_declared_is_found_by_its_names() -> None:
    assert dates.declared_of("day-first", "Europe/Oslo") == (DateOrder.DAY_FIRST, ZoneInfo("Europe/Oslo"))
    assert dates.declared_of(None, None) == dates.NOTHING_DECLARED


@pytest.mark.parametrize("name", ["", "Nowhere/Place", "../zone.tab", "tzdata.zi"])
def test_what_is_no_zone_can_not_be_declared(name: str) -> None:
    with pytest.raises(ValueError, match="there is no time zone"):
        dates.find_zone(name)


def test_1900_is_the_first_year() -> None:
    first = datetime(1900, 1, 1, tzinfo=UTC)
    assert dates.earliest(datetime(2026, 1, 1, tzinfo=UTC), None) == first
    assert (dates.date("date", "1900-01-01"), dates.date("date", "1900/01/01")) == (first, first)
