"""An option never goes unheeded because of how its name is written."""

import pytest

from ingestion.errors import RefusalCode, Refused
from ingestion.uploads.option_names import NAMES, by_name, find
from ingestion.uploads.upload_options import UploadOptions


@pytest.mark.parametrize("name", NAMES)
def test_an_option_is_known_in_every_case_and_with_any_separators(name: str) -> None:
    words = name.split("-")
    camel = words[0] + "".join(map(str.title, words[1:]))
    for written in (name, camel, camel.lower(), name.upper(), "_".join(words), "".join(words)):
        assert find(written) == name


def test_the_parent_has_the_name_that_the_api_gives_it() -> None:
    assert find("parentBatchId") == find("parent-batch-id") == "parent-batch"


@pytest.mark.parametrize(
    "written",
    [
        *(
            "dry-rum",
            "dryrunn",
            "forse",
            "force-resaon",
            "time-zones",
            "date-oder",
            "parent-bach",
            "max-errors-percent",
        ),
        *("x-amz-meta-dry-run", "x-amz-meta-upload-id", "X_Amz_Meta_Force", "xamzmetadryRun", "x-amz-meta-dry-rum"),
    ],
)
def test_what_is_nearly_an_option_is_refused(written: str) -> None:
    with pytest.raises(Refused, match="did you mean") as refused:
        find(written)
    assert refused.value.code is RefusalCode.INVALID_OPTION


@pytest.mark.parametrize("written", ["program", "programType", "programme"])
def test_a_programme_is_named_by_the_folder(written: str) -> None:
    with pytest.raises(Refused, match="incoming/<program>/<file>"):
        find(written)


@pytest.mark.parametrize(
    "written",
    ["content-language", "mtime", "source", "uploaded-by", "s3cmd-attrs", "sha256", "date", "author", "zone", ""],
)
def test_what_others_note_of_their_files_is_none_of_ours(written: str) -> None:
    assert find(written) is None


def test_an_option_that_is_given_twice_with_two_values_is_refused() -> None:
    assert by_name({"dry-run": "true", "dryrun": "true"}) == {"dry-run": "true"}
    with pytest.raises(Refused, match="given twice"):
        by_name({"dry-run": "true", "dryrun": "false"})


def test_a_dry_run_is_one_however_it_is_written() -> None:
    for name in ("dryRun", "dryrun", "dry_run", "DRY-RUN"):
        assert UploadOptions.from_metadata({name: "true"}).dry_run


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"date-order": "dmy"}, 'date-order is "dmy", which is neither day-first nor month-first'),
        ({"time-zone": "Oslo"}, 'time-zone is "Oslo", which is not an IANA time zone'),
        ({"time-zone": "../../etc/passwd"}, "is not an IANA time zone"),
        ({"time-zone": "Europe/Nowhere"}, "is not an IANA time zone"),
        ({"time-zone": "Europe"}, "is not an IANA time zone"),
    ],
)
def test_an_order_or_a_zone_that_is_none_is_refused(options: dict[str, str], told: str) -> None:
    with pytest.raises(Refused, match=told):
        UploadOptions.from_metadata(options)


def test_order_and_zone_come_back_from_their_metadata() -> None:
    options = UploadOptions.from_metadata({"dateOrder": "Day_First", "timeZone": "Europe/Oslo"})
    assert (options.date_order, options.time_zone) == ("day-first", "Europe/Oslo")
    assert UploadOptions.from_metadata(options.to_metadata()) == options
