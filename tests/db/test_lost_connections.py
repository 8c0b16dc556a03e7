"""A connection that is lost is an error that passes, however the driver says it."""

import socket

import pytest

from ingestion.database.connection import Connection, connect
from ingestion.errors import Unavailable
from local.postgres import Database
from tests.conftest import secret_of


def test_a_statement_on_a_connection_that_was_cut_is_to_be_tried_again(database: Database, db: Connection) -> None:
    victim = connect(secret_of(database))
    pid = victim.run("SELECT pg_backend_pid()")[0][0]
    db.run("SELECT pg_terminate_backend(:pid)", pid=pid)
    for _ in range(2):
        with pytest.raises(Unavailable):
            victim.run("SELECT 1")


def test_a_connection_reset_in_the_middle_is_to_be_tried_again(database: Database) -> None:
    victim = connect(secret_of(database))
    victim._usock.shutdown(socket.SHUT_RDWR)
    with pytest.raises(Unavailable):
        victim.run("SELECT 1")
