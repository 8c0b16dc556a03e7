"""The command against the API's real function, on a real PostgreSQL, behind a port on loopback."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.main import kintell
from tests.api.api_calls import Call
from tests.api.conftest import api, buckets, emptied, environment, place, world
from tests.cli.loopback import Loopback, serving

__all__ = ["api", "buckets", "emptied", "environment", "place", "world"]

Run = Callable[..., Result]


@pytest.fixture
def loopback(api: Call, emptied: None) -> Iterator[Loopback]:
    """The API where a command finds it."""
    found = Loopback()
    server = serving(found)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def in_oslo() -> Iterator[None]:
    """Local time is an hour or two ahead of UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Europe/Oslo")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def run(loopback: Loopback, in_oslo: None, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("status", batch)` as in a pipe."""
    monkeypatch.setattr("cli.waiting.LONGEST_PAUSE_SECONDS", 0.05)

    def run(*words: object, **environment: str) -> Result:
        result = CliRunner().invoke(
            kintell, [str(word) for word in words], env={"KINTELL_API_URL": loopback.url, **environment}
        )
        assert "Traceback" not in result.output
        return result

    return run


@pytest.fixture
def ask_json(run: Run) -> Callable[..., Any]:
    """What the command answers in JSON."""

    def ask(*words: object) -> Any:
        result = run(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return ask
