"""Options that travel as object metadata arrive as they were given."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.errors import RefusalCode, Refused
from ingestion.uploads.upload_options import UploadOptions, decode_metadata, encode_metadata

PARENT = "6b0e2f6e-2f7d-4e0a-9b58-3a3a1f0d9c11"
texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts)
def test_every_text_survives_as_plain_ascii(text: str) -> None:
    encoded = encode_metadata(text)
    assert decode_metadata(encoded) == text.replace("\0", "")
    # What S3 and the signature do to a header's value.
    assert " ".join(encoded.split()) == encoded
    assert encoded.isascii()


@given(
    st.builds(
        UploadOptions,
        force=st.booleans(),
        force_reason=texts.map(lambda text: text.replace("\0", "").strip() or None),
        imported_by=st.just("ole@example.org"),
        program_instance=st.just("mentors-ukraine-2024"),
        parent_batch=st.uuids() | st.none(),
        dry_run=st.booleans(),
        max_error_percent=st.floats(0, 100) | st.none(),
    )
)
def test_options_come_back_from_their_metadata(options: UploadOptions) -> None:
    assert UploadOptions.from_metadata(options.to_metadata()) == options
    assert UploadOptions.from_stored(options.to_stored()) == options


def test_plain_text_stays_as_it_is() -> None:
    assert encode_metadata("approved by Ole, see mail") == "approved by Ole, see mail"
    assert encode_metadata("Godkjent på nytt") == "Godkjent p%C3%A5 nytt"


def test_metadata_that_was_set_by_hand_is_read_leniently() -> None:
    options = UploadOptions.from_metadata(
        {
            "Force": "TRUE",
            "force-reason": "100% sure =?UTF-8?Q?p=C3=A5?=",
            "imported-by": " Ole@Example.org ",
            "dry-run": "no",
            "max-error-percent": "12,5 %",
            "parent-batch": PARENT.upper(),
            "program-instance": "",
            "content-language": "nb",
        }
    )
    assert options == UploadOptions(
        force=True,
        force_reason="100% sure på",
        imported_by="ole@example.org",
        max_error_percent=12.5,
        parent_batch=UUID(PARENT),
    )


def test_no_metadata_is_no_options() -> None:
    assert UploadOptions.from_metadata({}) == UploadOptions()
    assert UploadOptions().to_metadata() == {}


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("force", "maybe", RefusalCode.INVALID_OPTION),
        ("dry-run", "tru", RefusalCode.INVALID_OPTION),
        ("max-error-percent", "ten", RefusalCode.INVALID_OPTION),
        ("max-error-percent", "-1", RefusalCode.INVALID_OPTION),
        ("max-error-percent", "100.1", RefusalCode.INVALID_OPTION),
        ("max-error-percent", "nan", RefusalCode.INVALID_OPTION),
        ("max-error-percent", "inf", RefusalCode.INVALID_OPTION),
        ("imported-by", "Ole", RefusalCode.INVALID_OPTION),
        ("parent-batch", "the last one", RefusalCode.NO_SUCH_PARENT_BATCH),
    ],
)
def test_an_option_that_can_not_be_read_refuses_the_upload(name: str, value: str, code: RefusalCode) -> None:
    with pytest.raises(Refused) as refused:
        UploadOptions.from_metadata({name: value})
    assert refused.value.code is code
    assert value in refused.value.message


@pytest.mark.parametrize("name", ["dryRun", "dry_run", "DRY-RUN", "dryrun", "Dry-Run"])
def test_a_name_in_another_spelling_is_the_option_that_it_means(name: str) -> None:
    assert UploadOptions.from_metadata({name: "true"}).dry_run


def test_the_names_of_the_api_are_names_of_options() -> None:
    by_api = {
        "parentBatchId": PARENT,
        "programInstance": "mentors-ukraine-2024",
        "maxErrorPercent": "5",
        "force": "true",
    }
    assert UploadOptions.from_metadata({**by_api, "forceReason": "asked for"}) == UploadOptions(
        parent_batch=UUID(PARENT),
        program_instance="mentors-ukraine-2024",
        max_error_percent=5,
        force=True,
        force_reason="asked for",
    )


@pytest.mark.parametrize(
    "name", ["dry-rum", "dryruns", "x-dry-run", "force-reasons", "parent-batches", "max-errors-percent"]
)
def test_what_may_have_been_meant_for_an_option_is_refused(name: str) -> None:
    with pytest.raises(Refused, match=f"no option {name}; ") as raised:
        UploadOptions.from_metadata({name: "true"})
    assert raised.value.code is RefusalCode.INVALID_OPTION


@pytest.mark.parametrize(
    "name", ["content-language", "mtime", "s3cmd-attrs", "sha256", "uid", "source", "comment", "owner"]
)
def test_other_metadata_is_nothing_of_ours(name: str) -> None:
    assert UploadOptions.from_metadata({name: "true"}) == UploadOptions()


def test_an_option_in_two_spellings_must_say_one_thing() -> None:
    assert UploadOptions.from_metadata({"dry-run": "true", "dryRun": "true"}).dry_run
    with pytest.raises(Refused, match="dry-run is given twice"):
        UploadOptions.from_metadata({"dry-run": "false", "dryRun": "true"})
