"""Hostile uploads through the front door: each ends as a refusal or a batch, and costs nobody else anything."""

import gzip
from urllib.request import urlopen

import pytest

from tests.e2e.front_door import FrontDoor, slug
from tests.e2e.test_imports import HEADER, door, fresh, key_of, rows_of

__all__ = ["door"]

BOMB = gzip.compress(HEADER.encode()) + gzip.compress(b"MS-1,,,,,,,\n" * 100_000) * 80


def test_all_dirt_at_once_costs_no_good_row_and_comes_back_with_its_text(door: FrontDoor) -> None:
    good, bad = fresh(2), fresh(3)
    lines = (
        HEADER
        + rows_of(good[0], feedback='5" rør, “bra”'.replace(",", ""))
        + rows_of(bad[0], feedback='"=aldri lukket')
        + rows_of(bad[1], feedback=r'"han sa \"ja\" da"')
        + ",,,,,,,\n\n"
        + rows_of(bad[2], feedback='"@sum"', rating="9")
        + rows_of(good[1], feedback='"to\nlinjer"')
    )
    body = gzip.compress(b"sep=;\r\n" + lines.replace(",", ";").replace("\n", "\r\n").encode("cp1252"))
    status = door.load(key_of(slug(), "Kopi av økter (1).csv.gz"), body)
    assert (status["status"], status["insertedRows"], status["errorRows"]) == ("completed", 2, 3)
    record = door.get(f"/v1/import/batches/{status['batchId']}")["csvMetadata"]
    assert (record["encoding"], record["delimiter"], record["rowCount"]) == ("windows-1252", ";", 5)
    with urlopen(door.get(f"/v1/import/backfill/{status['batchId']}/errors")["url"], timeout=30) as answer:
        errors = answer.read().decode("utf-8-sig")
    assert [text in errors for text in ("\"'=aldri lukket", r'"""han sa \""ja\"" da"""', "'@sum")] == [True] * 3
    assert [errors.count(code) for code in ("E011", "E006")] == [2, 1]


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        pytest.param("bomb.csv.gz", BOMB, "too_large", id="a bomb"),
        pytest.param("cut.csv.gz", gzip.compress(HEADER.encode())[:-4], "not_csv", id="gzip cut off"),
        pytest.param("book.csv", b"PK\x03\x04" + bytes(5_000), "not_csv", id="a workbook"),
        pytest.param("nuls.csv", bytes(100_000), "empty_file", id="NULs only"),
        pytest.param("wide.csv", b"session_id" + b",x" * 20_000 + b"\n1\n", "too_large", id="20,000 columns"),
    ],
)
def test_what_is_no_export_is_refused(door: FrontDoor, name: str, body: bytes, code: str) -> None:
    upload = door.decided(door.put(key_of(slug(), name), body))
    assert (upload["state"], upload["refusal"]["code"]) == ("refused", code)


def test_a_header_with_a_nul_keeps_no_upload_waiting(door: FrontDoor) -> None:
    status = door.load(key_of(slug()), HEADER.encode().replace(b"\n", b",no\0te\n"))
    assert (status["status"], status["totalRows"]) == ("completed", 0)
    record = door.get(f"/v1/import/batches/{status['batchId']}")["csvMetadata"]
    assert record["unknownHeaders"] == ["no\\x00te"]
