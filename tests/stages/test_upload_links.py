"""An object is the API's upload only if it came by the API's link; whoever else may write to the bucket speaks for
themselves."""

from typing import Any
from uuid import UUID

import pytest

from ingestion.database.connection import rows
from ingestion.database.tables import announced_uploads
from ingestion.sign_in.actors import Actor, ActorKind
from ingestion.uploads.upload_links import UploadLink
from ingestion.uploads.upload_options import UploadOptions
from tests.stages.conftest import UPLOADS, Pipeline

BODY = b"session_id,participant_email,mentor_email,scheduled_at\nMS-1,oksana@example.org,kari@acme.com,2024-11-05\n"
KEY = "incoming/mentors_ukraine/mentors-ukraine-2024-q4.csv"
KARI = Actor(kind=ActorKind.PERSON, name="kari@example.org", issuer="https://id.example.org", subject="6b0e")
OPTIONS = UploadOptions(force_reason="100% sikkert på nytt", max_error_percent=12.5)
SERVE, EVE = "AWS:AROASERVE:serve", "AWS:AIDAEVE"


def announce(pipeline: Pipeline, options: UploadOptions = OPTIONS, key: str = KEY) -> UploadLink:
    """A link that Kari has got."""
    link = UploadLink.new()
    announced_uploads.announce(
        pipeline.db,
        announced_uploads.Announcement(
            id=link.upload_id,
            bucket=UPLOADS,
            key=key,
            file_name="a.csv",
            size_bytes=None,
            uploader=KARI,
            options={"programType": "mentors_ukraine", **options.to_stored()},
            token_hash=link.token_hash,
        ),
    )
    return link


def send(pipeline: Pipeline, metadata: dict[str, str], principal: str = EVE, key: str = KEY) -> dict[str, Any]:
    """Somebody puts an object; its upload, once it is decided on."""
    put = pipeline.s3.put_object(Bucket=UPLOADS, Key=key, Body=BODY, Metadata=metadata)
    taken = pipeline.deliver(key, put["VersionId"], len(BODY), principal)
    return rows(pipeline.db, "SELECT * FROM uploads WHERE id = :id", id=taken["upload_id"])[0]


def test_what_comes_by_the_link_is_the_callers_with_the_principal_beside_the_name(pipeline: Pipeline) -> None:
    link = announce(pipeline)
    upload = send(pipeline, {**OPTIONS.to_metadata(), **link.to_metadata()}, SERVE)
    assert (upload["id"], upload["state"]) == (link.upload_id, "accepted")
    assert (upload["uploaded_by"], upload["principal"]) == (KARI.name, SERVE)
    assert pipeline.db.run("SELECT imported_by, claimed_by, max_error_percent FROM ingestion_batches") == [
        [KARI.name, None, OPTIONS.max_error_percent]
    ]
    line = "SELECT actor, actor_kind, actor_issuer, actor_subject, details ->> 'principal' FROM audit_logs"
    assert pipeline.db.run(f"{line} WHERE action = 'upload_received'") == [
        [KARI.name, "person", KARI.issuer, KARI.subject, SERVE]
    ]


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param({}, id="without the token"),
        pytest.param({"upload-token": ""}, id="with an empty one"),
        pytest.param({"upload-token": UploadLink.new().token}, id="with another one"),
    ],
)
def test_who_only_knows_the_id_of_an_upload_imports_in_nobodys_name(pipeline: Pipeline, forged: dict[str, str]) -> None:
    link = announce(pipeline)
    asked = {"force": "true", "force-reason": "because", "imported-by": KARI.name}
    upload = send(pipeline, {**asked, "upload-id": str(link.upload_id), **forged})
    assert upload["id"] != link.upload_id
    assert (upload["state"], upload["refusal_code"]) == ("refused", "invalid_option")
    assert "link" in upload["refusal_message"]
    assert (upload["uploaded_by"], upload["uploader_kind"], upload["principal"]) == (EVE, "aws", EVE)
    assert upload["claimed_by"] == KARI.name
    assert pipeline.db.run("SELECT DISTINCT actor FROM audit_logs WHERE actor_kind <> 'system'") == [[EVE]]
    # Kari's own file may still come.
    assert send(pipeline, link.to_metadata(), SERVE)["id"] == link.upload_id


@pytest.mark.parametrize("name", ["uploadId", "Upload_Id", "UPLOAD-TOKEN", "uploadtoken"])
def test_no_spelling_of_a_links_names_goes_unheeded(pipeline: Pipeline, name: str) -> None:
    assert send(pipeline, {name: str(UUID(int=1))})["refusal_code"] == "invalid_option"


def test_options_are_those_that_were_announced_whatever_the_object_says(pipeline: Pipeline) -> None:
    """Whoever got hold of a whole link can sign nothing new into it; nor does it help to know only its token."""
    link = announce(pipeline, UploadOptions(dry_run=True))
    asked = {"dry-run": "false", "force": "true", "force-reason": "because", "max-error-percent": "many"}
    upload = send(pipeline, {**asked, **link.to_metadata()})
    assert (upload["id"], upload["state"]) == (link.upload_id, "accepted")
    assert pipeline.db.run("SELECT dry_run, forced, max_error_percent FROM ingestion_batches") == [[True, False, None]]


@pytest.mark.parametrize("key", [KEY.replace("q4", "q3"), f"{KEY}.gz"])
def test_a_link_is_for_its_own_key_alone(pipeline: Pipeline, key: str) -> None:
    link = announce(pipeline)
    upload = send(pipeline, link.to_metadata(), key=key)
    assert (upload["id"] != link.upload_id, upload["uploaded_by"], upload["state"]) == (True, EVE, "refused")


def test_a_link_brings_one_object(pipeline: Pipeline) -> None:
    """The object of the first time shows its metadata to whoever may read it."""
    link = announce(pipeline)
    metadata = {**OPTIONS.to_metadata(), **link.to_metadata()}
    first = send(pipeline, metadata, SERVE)
    again = send(pipeline, pipeline.s3.head_object(Bucket=UPLOADS, Key=KEY)["Metadata"])
    assert (first["state"], again["state"], again["refusal_code"]) == ("accepted", "refused", "invalid_option")
    assert (again["uploaded_by"], again["uploader_kind"]) == (EVE, "aws")
    assert link.token not in str(rows(pipeline.db, "SELECT * FROM uploads"))
    assert link.token not in str(rows(pipeline.db, "SELECT * FROM audit_logs"))


def test_a_report_that_comes_again_is_still_about_the_callers_upload(pipeline: Pipeline) -> None:
    link = announce(pipeline)
    put = pipeline.s3.put_object(Bucket=UPLOADS, Key=KEY, Body=BODY, Metadata=link.to_metadata())
    answers = [pipeline.deliver(KEY, put["VersionId"], len(BODY), SERVE) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["state"] == "accepted"


def test_a_forced_import_by_link_is_the_callers_too(pipeline: Pipeline) -> None:
    pipeline.upload(KEY, BODY)
    options = UploadOptions(force=True, force_reason="mended")
    upload = send(pipeline, {**options.to_metadata(), **announce(pipeline, options).to_metadata()}, SERVE)
    assert upload["state"] == "accepted"
    forced = "SELECT actor, actor_kind, actor_subject FROM audit_logs WHERE action = 'import_forced'"
    assert pipeline.db.run(forced) == [[KARI.name, "person", KARI.subject]]
