"""No file takes quadratic time to read: one eight times as large takes about eight times as long."""

import time
from collections.abc import Callable, Iterator

import pytest

from ingestion.csv_file.chunk_reader import read_blocks
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


FEW, MANY = 21_000, 40_000
"""Rows that fill the head of a file, which is looked at more closely, and rows to compare with."""
BLANK_BYTES = 2_000_000
MOST_MORE = 3


def seconds_to_read(file: bytes) -> float:
    """All of it: cut into chunks, and these read."""
    best = 60.0
    for _ in range(TRIES):
        began = time.process_time()
        one_pass = FilePass(Limits(), KNOWN, lambda _text: None)
        one_pass.feed(file)
        scanned = one_pass.finish()
        for span in scanned.chunks:
            for _block in read_blocks(file[span.start : span.fetch_end], span, scanned.format):
                pass
        best = min(best, time.process_time() - began)
    return best


def rows(start: int, count: int, tail: str, end: str) -> str:
    return "".join(f"{row(number)}{tail}{end}" for number in range(start, start + count))


@pytest.mark.parametrize(
    ("blank", "tail", "end"),
    [
        pytest.param("\n", "", "\n", id="LF"),
        pytest.param("\r\n", "", "\r\n", id="CRLF"),
        pytest.param("\r", "", "\r", id="CR"),
        pytest.param("\r", "", "\n", id="CR in a file of LF"),
        pytest.param("\n", ";;", "\n", id="rows read by hand"),
        pytest.param(" \n", "", "\n", id="blanks"),
        pytest.param(",,,\n", "", "\n", id="delimiters"),
        pytest.param("\u00a0\n", "", "\n", id="no-break spaces"),
        pytest.param("\n" * 30 + " ,\n", "", "\n", id="of different lengths"),
        pytest.param('""\n', "", "\n", id="quotes"),
        pytest.param('"",""\r\n', "", "\r\n", id="quotes and delimiters, CRLF"),
        pytest.param('" "\n', "", "\n", id="quoted blanks"),
    ],
)
def test_a_byte_of_blank_lines_costs_about_as_much_as_one_of_rows(blank: str, tail: str, end: str) -> None:
    head = f"{HEADER}{tail}{end}{rows(0, FEW, tail, end)}"
    run = blank * (BLANK_BYTES // len(blank.encode()))
    with_rows, with_blanks = (
        (head + between + rows(FEW, 1, tail, end)).encode() for between in (rows(FEW, MANY, tail, end), run)
    )
    assert len(with_blanks) <= 1.05 * len(with_rows)
    # It was up to forty times as much when each line was looked at.
    assert seconds_to_read(with_blanks) < MOST_MORE * seconds_to_read(with_rows)
