"""What make up says and leaves behind, short of starting it."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from local import system
from local.emulators.ministack.callers import is_loopback
from local.failures import CannotStart
from local.system import Places, only_one, published


def test_a_second_start_in_one_clone_names_the_first(tmp_path: Path) -> None:
    hold = "import sys,time; from pathlib import Path; from local.system import only_one\n"
    hold += "with only_one(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", hold, str(tmp_path)], stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        first.stdout.readline()
        with pytest.raises(CannotStart, match=f"already running here .process {first.pid}"), only_one(tmp_path):
            pass
        first.kill()


def test_a_lock_left_by_a_killed_process_is_free(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("12345")
    with only_one(tmp_path):
        pass


@pytest.mark.parametrize("is_new", [True, False])
def test_nobody_else_may_enter_the_folder(tmp_path: Path, is_new: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / ".local"
    monkeypatch.setattr(system, "HOME", home)
    if not is_new:
        (home / "demo").mkdir(mode=0o755, parents=True)
    with only_one(home / "demo"):
        assert [stat.S_IMODE(each.stat().st_mode) for each in (home, home / "demo")] == [0o700, 0o700]


def test_the_variables_are_there_while_it_is_ready_and_for_our_eyes_only(tmp_path: Path) -> None:
    file = tmp_path / "env"
    with published({"AWS_REGION": "eu-north-1", "DATABASE_URL": "postgresql://x"}, file):
        assert file.read_text() == "AWS_REGION=eu-north-1\nDATABASE_URL=postgresql://x\n"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.exists()


@pytest.mark.parametrize("port", ["http", "0", "70000", "-1"])
def test_a_port_that_is_none_is_refused(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINTELL_API_PORT", port)
    with pytest.raises(CannotStart, match="KINTELL_API_PORT"):
        Places.of_this_clone()


def test_ports_and_database_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINTELL_API_PORT", "4002")
    monkeypatch.delenv("KINTELL_AWS_PORT", raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://x")
    places = Places.of_this_clone()
    assert (places.api_port, places.aws_port, places.database_url) == (4002, 4566, "postgresql://x")


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("127.0.0.1:3002", True),
        ("localhost:3002", True),
        ("localhost", True),
        ("[::1]:3002", True),
        ("evil.example", False),
        ("evil.example:3002", False),
        ("127.0.0.1:4566", False),
        ("127.0.0.1.evil.example:3002", False),
        ("localhost:3002:3002", False),
        ("", False),
    ],
)
def test_the_api_answers_to_names_of_this_machine_only(host: str, answer: bool) -> None:
    assert is_loopback(host, 3002) is answer
