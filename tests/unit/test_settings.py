"""What is said of a function whose variables are missing, as where it is invoked by hand."""

import pytest

from ingestion.config import Settings, WrongSettings, settings
from ingestion.database.connection import connection


@pytest.mark.parametrize(
    ("given", "named"),
    [
        pytest.param({}, "UPLOADS_BUCKET, WORK_BUCKET", id="nothing is given"),
        pytest.param({"UPLOADS_BUCKET": "uploads", "WORK_BUCKET": ""}, "WORK_BUCKET", id="one is empty"),
        pytest.param(
            {"UPLOADS_BUCKET": "uploads", "WORK_BUCKET": "work", "UNKNOWN_USERS": "perhaps"},
            "UNKNOWN_USERS",
            id="one has another value",
        ),
    ],
)
def test_a_variable_that_is_missing_is_named(
    given: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("UPLOADS_BUCKET", "WORK_BUCKET", "UNKNOWN_USERS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    with pytest.raises(WrongSettings, match=f"missing or wrong: {named}\\. .*sam-local.md"):
        settings()
    settings.cache_clear()


def test_a_function_without_a_database_says_so_instead_of_looking_for_one_here() -> None:
    with pytest.raises(WrongSettings, match="DATABASE_HOST or DATABASE_SECRET_ARN"):
        connection(Settings(uploads_bucket="uploads", work_bucket="work"))
