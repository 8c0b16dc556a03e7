"""The whole way of a file, with a programme that the system does not come with."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli.main import kintell
from ingestion.database import schema
from ingestion.database.connection import connect
from ingestion.database.roles import Login, let_in
from ingestion.records import PROGRAMMES
from local.postgres import Database
from tests.api.api_calls import call
from tests.api.full_world import BROWSER
from tests.cli.loopback import Loopback, serving
from tests.conformance.course_completions import COURSES
from tests.conformance.specimens import SPECIMENS, Specimen
from tests.conftest import FUNCTIONS, FUNCTIONS_PASSWORD, secret_of
from tests.stages.conftest import Pipeline, environment, pipeline

__all__ = ["environment", "pipeline"]

MIGRATION = Path(__file__).with_name("course_completions.sql")


@pytest.fixture(params=SPECIMENS, ids=lambda specimen: specimen.programme.program_type)
def specimen(request: pytest.FixtureRequest) -> Specimen:
    """Each programme in turn."""
    found: Specimen = request.param
    return found


@pytest.fixture(scope="module")
def courses(database_server: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The programme is registered, and its migration the newest of the databases that tests get."""
    folder = tmp_path_factory.mktemp("migrations")
    for file in schema.FOLDER.glob("*.sql"):
        (folder / file.name).symlink_to(file)
    (folder / "9999_create_course_completions.sql").symlink_to(MIGRATION)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "FOLDER", folder)
        patch.setitem(PROGRAMMES, COURSES.program_type, COURSES)
        with_courses = database_server.create("with_courses", template="migrated")
        db = connect(secret_of(with_courses))
        schema.migrate(db)
        let_in(db, Login(username=FUNCTIONS, password=FUNCTIONS_PASSWORD))
        db.close()
        yield


@pytest.fixture
def database(database_server: Database, courses: None) -> Iterator[Database]:
    """An empty database with the schema, and that of the programme."""
    fresh = database_server.create("conformance", template="with_courses")
    yield fresh
    database_server.drop(fresh.dbname)


class House:
    """The system as it is used: files come in, and API, command and pages answer."""

    def __init__(self, stages: Pipeline, url: str) -> None:
        self.stages = stages
        self.db = stages.db
        self._url = url

    def load(self, specimen: Specimen, *rows: dict[str, str], name: str = "file.csv", **metadata: str) -> Any:
        """Import a file of these rows; its batch, completed."""
        return self.load_bytes(specimen, specimen.file(*rows), name, **metadata)

    def load_bytes(self, specimen: Specimen, body: bytes, name: str = "file.csv", **metadata: str) -> Any:
        """Import a file."""
        programme = specimen.programme
        folder = f"{programme.program_type}/{programme.slug_prefix}-2024-11" if specimen.has_people else "kintell_users"
        batch = self.stages.load(f"incoming/{folder}/{name}", body, **metadata)
        assert batch["status"] in ("completed", "failed"), batch
        return batch

    def get(self, path: str) -> Any:
        """What the API answers."""
        answer = call("GET", path)
        assert answer.status == 200, answer.text
        return answer.body

    def page(self, path: str) -> str:
        """What the dashboard shows."""
        answer = call("GET", path, headers={**BROWSER, "accept-language": "en"})
        assert answer.status == 200, answer.text
        return answer.text

    def run(self, *words: object) -> str:
        """What the command prints."""
        result = CliRunner().invoke(kintell, [str(word) for word in words], env={"KINTELL_API_URL": self._url})
        assert result.exit_code == 0, result.output
        return result.output


@pytest.fixture
def house(pipeline: Pipeline, environment: pytest.MonkeyPatch) -> Iterator[House]:
    """The system, with two people and a third whom it knows."""
    environment.setenv("AUTHENTICATION", "none")
    pipeline.know("oksana@example.org", "ivan@example.org", "kari@acme.com")
    loopback = Loopback()
    server = serving(loopback)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield House(pipeline, loopback.url)
    server.shutdown()
    server.server_close()
    thread.join()
