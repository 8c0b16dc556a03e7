"""Waits for a new database: the proxy finds it, and the permission to connect takes effect, only some minutes after
CloudFormation calls them complete."""

from time import monotonic, sleep

from ingestion.config import Settings
from ingestion.database.connection import Connection, connection
from ingestion.errors import Unavailable
from ingestion.telemetry import logger

WAIT_SECONDS = 180
"""Leaves the function time to migrate and to answer CloudFormation."""
PAUSE_SECONDS = 5


def connection_in_time(settings: Settings) -> Connection:
    """Wait for a connection. Raises Unavailable if that takes too long."""
    deadline = monotonic() + WAIT_SECONDS
    while True:
        try:
            return connection(settings)
        except Unavailable as not_yet:
            if monotonic() > deadline:
                raise
            logger.info("the database is not within reach yet", reason=str(not_yet))
            sleep(PAUSE_SECONDS)
