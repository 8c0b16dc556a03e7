"""Which PostgreSQL the tests run on."""

import os

from ingestion.database.connection import Connection

EMBEDDED = "18"


def test_the_server_is_of_the_version_that_was_asked_for(db: Connection) -> None:
    ((number,),) = db.run("SHOW server_version_num")

    assert int(number) // 10_000 == int(os.environ.get("KINTELL_POSTGRES_VERSION", EMBEDDED))
