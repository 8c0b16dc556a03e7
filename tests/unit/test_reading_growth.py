"""No file takes quadratic time to read: one eight times as large takes about eight times as long."""

import time
from collections.abc import Callable, Iterator

import pytest

from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.file_pass import FilePass
from ingestion.records import get_programme
from ingestion.records.programme import _header_name
from ingestion.rows.columns import plan_columns
from tests.unit.test_pattern_growth import GROWTH, MOST

HEADER = "session_id,participant_email,mentor_email,scheduled_at"
KNOWN = frozenset(HEADER.split(","))
TRIES = 3


def row(number: int) -> str:
    return f"MS-{number},a{number}@example.org,b@example.org,2024-11-05"


def wide_header(count: int) -> Iterator[str]:
    yield HEADER + "".join(f",column{number}" for number in range(count))
    yield row(1) + "," * count


def repeated_headers(count: int) -> Iterator[str]:
    for number in range(count):
        yield HEADER
        yield row(number)


def seconds(file: bytes) -> float:
    best = 60.0
    for _ in range(TRIES):
        _header_name.cache_clear()
        began = time.process_time()
        one_pass = FilePass(Limits(), KNOWN, lambda _text: None)
        one_pass.feed(file)
        plan_columns(one_pass.finish().format.header, get_programme("mentors_ukraine"))
        best = min(best, time.process_time() - began)
    return best


@pytest.mark.parametrize(
    ("lines", "small"),
    [
        pytest.param(wide_header, 1_500, id="columns that nobody knows"),
        pytest.param(repeated_headers, 150, id="the header above every row"),
    ],
)
def test_reading_takes_no_more_than_linear_time(lines: Callable[[int], Iterator[str]], small: int) -> None:
    few, many = (seconds("\n".join([*lines(size), ""]).encode()) for size in (small, GROWTH * small))
    assert many < MOST * max(few, 0.002)
