"""Parts cover the file, keep to S3's limits, and are few enough for one answer."""

import pytest

from ingestion.uploads.upload_parts import (
    LEAST_PART_BYTES,
    MOST_BYTES,
    MOST_PART_BYTES,
    MOST_PARTS,
    choose_part_bytes,
    parts_of,
)

MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("size_bytes", "part_bytes", "count"),
    [
        pytest.param(1, 5 * MEBIBYTE, 1, id="one byte"),
        pytest.param(5 * MEBIBYTE, 5 * MEBIBYTE, 1, id="one part"),
        pytest.param(5 * MEBIBYTE + 1, 5 * MEBIBYTE, 2, id="one byte more"),
        pytest.param(5_000_000_001, 50_000_001, 100, id="above the default limit"),
        pytest.param(20 * 1024 * MEBIBYTE, 64 * MEBIBYTE, 320, id="20 GiB"),
        pytest.param(100 * 1024 * MEBIBYTE, 100 * MEBIBYTE, 1024, id="100 GiB"),
        pytest.param(MOST_BYTES, MOST_PART_BYTES, MOST_PARTS, id="the most"),
    ],
)
def test_parts_cover_the_file(size_bytes: int, part_bytes: int, count: int) -> None:
    assert choose_part_bytes(size_bytes) == part_bytes
    parts = list(parts_of(size_bytes, part_bytes))
    assert [part.number for part in parts] == list(range(1, count + 1))
    assert sum(part.size_bytes for part in parts) == size_bytes
    assert {part.size_bytes for part in parts[:-1]} <= {part_bytes}
    assert 0 < parts[-1].size_bytes <= part_bytes


@pytest.mark.parametrize("power", range(43))
def test_every_size_keeps_to_the_limits(power: int) -> None:
    for size_bytes in (2**power - 1, 2**power, 2**power + 1, 3 * 2**power):
        if 0 < size_bytes <= MOST_BYTES:
            part_bytes = choose_part_bytes(size_bytes)
            assert LEAST_PART_BYTES <= part_bytes <= MOST_PART_BYTES
            assert len(list(parts_of(size_bytes, part_bytes))) <= MOST_PARTS
