"""What a shell completes: commands, options, and the values that are known, by the script that it was given."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.aws import ROOT

CASES = [
    pytest.param("kintell im", ["import"], id="a command"),
    pytest.param("kintell status --w", ["--watch"], id="an option"),
    pytest.param("kintell batches --status arch", ["archived"], id="a status"),
    pytest.param("kintell import x.csv --program language", ["language_ukraine"], id="a programme"),
    pytest.param("kintell completion f", ["fish"], id="a shell"),
    pytest.param("kintell nothing", [], id="nothing"),
]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """With the command on the PATH, as pip puts it there."""
    command = tmp_path / "kintell"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m cli "$@"\n')
    command.chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}


def said(environment: dict[str, str], *command: str) -> str:
    """What a command prints."""
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return ran.stdout.strip("\n")


@pytest.mark.parametrize(("line", "expected"), CASES)
def test_bash_completes(environment: dict[str, str], line: str, expected: list[str]) -> None:
    words = line.split()
    script = (
        'eval "$(kintell completion bash)"\n'
        f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}\n"
        '_kintell_completion kintell; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    assert said(environment, "bash", "--norc", "--noprofile", "-c", script).split() == expected


@pytest.mark.parametrize(("line", "expected"), CASES)
def test_zsh_is_told_the_same(environment: dict[str, str], line: str, expected: list[str]) -> None:
    """What its script asks the command, whose answer is kind, value and help, a line each."""
    asked = {"_KINTELL_COMPLETE": "zsh_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    assert said({**environment, **asked}, "kintell").splitlines()[1::3] == expected


@pytest.mark.parametrize(("line", "expected"), CASES)
def test_fish_is_told_the_same(environment: dict[str, str], line: str, expected: list[str]) -> None:
    """What its script asks the command, whose answer is kind, value and help in a line."""
    asked = {"_KINTELL_COMPLETE": "fish_complete", "COMP_WORDS": line, "COMP_CWORD": line.rsplit(maxsplit=1)[-1]}
    told = said({**environment, **asked}, "kintell").splitlines()
    assert [line.partition(",")[2].partition("\t")[0] for line in told] == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_its_shell_understands(environment: dict[str, str], shell: str, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(said(environment, "kintell", "completion", shell))
    assert "_KINTELL_COMPLETE" in script.read_text()
    if shutil.which(shell):
        # -n reads without running.
        said(environment, shell, "-n", str(script))
