"""uploads: one object version is one upload, however often and by whichever way it is reported."""

from uuid import UUID, uuid4

import pytest

from ingestion.database.connection import Connection
from ingestion.database.tables import announced_uploads, expiry, uploads
from ingestion.database.tables.announced_uploads import Announcement
from ingestion.database.tables.uploads import Arrival
from ingestion.errors import RefusalCode, Refused
from ingestion.sign_in.actors import Actor, ActorKind
from tests.db.world import CHECK, UNIQUE, a_hash, add_batch, add_upload, refused

ARRIVAL = Arrival(bucket="uploads", key="incoming/a.csv", version_id="v1", size_bytes=7, principal="AWS:operator")
KARI = Actor(kind=ActorKind.PERSON, name="kari@example.org", issuer="https://id.example.org", subject="6b0e")
HASH, OTHER = a_hash(), a_hash()


def announce(db: Connection) -> UUID:
    """An upload that the API has given a link for."""
    upload_id = uuid4()
    announced_uploads.announce(
        db,
        Announcement(
            id=upload_id,
            bucket=ARRIVAL.bucket,
            key=ARRIVAL.key,
            file_name="a.csv",
            size_bytes=None,
            uploader=KARI,
            options={"dry-run": "true"},
            token_hash=HASH,
        ),
    )
    return upload_id


def test_an_object_version_that_is_reported_again_is_the_same_upload(db: Connection) -> None:
    first = uploads.receive(db, ARRIVAL, "a.csv", "claimed@example.org", {"force": "true"})
    again = uploads.receive(db, ARRIVAL, "b.csv", None, {})
    assert (first.is_new, again.is_new) == (True, False)
    assert again.id == first.id
    assert uploads.find(db, ARRIVAL) == again
    assert db.run("SELECT file_name, claimed_by, options FROM uploads") == [
        ["a.csv", "claimed@example.org", {"force": "true"}]
    ]


@pytest.mark.parametrize("change", [{"version_id": "v2"}, {"key": "incoming/b.csv"}, {"bucket": "others"}], ids=str)
def test_another_object_version_is_another_upload(db: Connection, change: dict[str, str]) -> None:
    first = uploads.receive(db, ARRIVAL, "a.csv", None, {})
    other = uploads.receive(db, ARRIVAL.model_copy(update=change), "a.csv", None, {})
    assert other.is_new
    assert other.id != first.id


def test_one_object_version_is_one_upload_whoever_writes_it(db: Connection) -> None:
    add_upload(db, version_id="v1")
    with refused(db, UNIQUE, "one_upload_per_object_version"):
        add_upload(db, version_id="v1")


def test_an_announced_upload_is_received_once(db: Connection) -> None:
    upload_id = announce(db)
    received = uploads.receive_announced(db, upload_id, HASH, ARRIVAL)
    assert received is not None
    assert (received.id, received.uploader, received.is_new) == (upload_id, KARI, True)
    assert (received.is_announced, received.options) == (True, {"dry-run": "true"})
    later = ARRIVAL.model_copy(update={"version_id": "v2"})
    assert uploads.receive_announced(db, upload_id, HASH, later) is None
    assert db.run("SELECT version_id, size_bytes, received_at IS NOT NULL, principal FROM uploads") == [
        ["v1", 7, True, "AWS:operator"]
    ]


def test_who_does_not_know_the_links_token_does_not_come_by_it(db: Connection) -> None:
    upload_id = announce(db)
    assert uploads.receive_announced(db, upload_id, OTHER, ARRIVAL) is None
    db.run("UPDATE uploads SET link_token_hash = NULL")
    assert uploads.receive_announced(db, upload_id, HASH, ARRIVAL) is None
    assert db.run("SELECT version_id, principal FROM uploads") == [[None, None]]


def test_who_uploads_past_the_api_is_whom_s3_names(db: Connection) -> None:
    received = uploads.receive(db, ARRIVAL, "a.csv", "kari@example.org", {})
    assert received.uploader == Actor(kind=ActorKind.AWS, name="AWS:operator")
    assert db.run("SELECT uploaded_by, uploader_kind, principal, claimed_by FROM uploads") == [
        ["AWS:operator", "aws", "AWS:operator", "kari@example.org"]
    ]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"key": "incoming/b.csv"}, id="another key"),
        pytest.param({"bucket": "others"}, id="another bucket"),
    ],
)
def test_an_upload_id_announces_one_object_only(db: Connection, change: dict[str, str]) -> None:
    upload_id = announce(db)
    assert uploads.receive_announced(db, upload_id, HASH, ARRIVAL.model_copy(update=change)) is None
    assert uploads.receive_announced(db, uuid4(), HASH, ARRIVAL) is None
    assert db.run("SELECT version_id FROM uploads WHERE id = :id", id=upload_id) == [[None]]


def test_an_object_version_that_is_an_upload_already_is_not_received_as_an_announced_one(db: Connection) -> None:
    uploads.receive(db, ARRIVAL, "a.csv", None, {})
    assert uploads.receive_announced(db, announce(db), HASH, ARRIVAL) is None


def test_an_upload_that_was_decided_on_is_not_received_any_more(db: Connection) -> None:
    upload_id = announce(db)
    uploads.receive_announced(db, upload_id, HASH, ARRIVAL)
    uploads.refuse(db, upload_id, Refused(RefusalCode.EMPTY_FILE, "Empty."), None, None)
    assert uploads.receive_announced(db, upload_id, HASH, ARRIVAL.model_copy(update={"version_id": "v2"})) is None
    assert uploads.lock(db, upload_id) == "refused"


def test_a_refusal_says_why_and_an_acceptance_has_the_hash(db: Connection) -> None:
    earlier, file_hash = add_batch(db), a_hash()
    taken, turned_down = add_upload(db), add_upload(db)
    uploads.accept(db, taken, file_hash)
    uploads.refuse(db, turned_down, Refused(RefusalCode.ALREADY_IMPORTED, "It is there."), file_hash, earlier)
    query = """
        SELECT state, sha256, refusal_code, refusal_message, refusal_batch_id, decided_at IS NOT NULL
          FROM uploads WHERE id = :id
    """
    assert db.run(query, id=taken) == [["accepted", file_hash, None, None, None, True]]
    assert db.run(query, id=turned_down) == [["refused", file_hash, "already_imported", "It is there.", earlier, True]]


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"state": "lost"}, id="no such state"),
        pytest.param({"state": "refused"}, id="refused without a reason"),
        pytest.param({"refusal_code": "empty_file"}, id="a reason without a refusal"),
        pytest.param({"state": "accepted", "version_id": None}, id="accepted before it has come"),
        pytest.param({"sha256": "ABC"}, id="no hash"),
    ],
)
def test_an_upload_is_whole(db: Connection, columns: dict[str, str | None]) -> None:
    with refused(db, CHECK):
        add_upload(db, **columns)


def test_links_that_were_never_used_are_forgotten_after_a_week(db: Connection) -> None:
    old, new, used = announce(db), announce(db), announce(db)
    uploads.receive_announced(db, used, HASH, ARRIVAL)
    db.run("UPDATE uploads SET created_at = now() - interval '8 days' WHERE id <> :new", new=new)
    assert expiry.expire_unused_links(db) == 1
    assert {row[0] for row in db.run("SELECT id FROM uploads")} == {new, used}
    assert old not in (new, used)
