"""docs/cli.md, the help and the commands say the same."""

import re
import tomllib

import click
import pytest
from click.testing import CliRunner

from cli.main import kintell
from cli.options import PROGRAMMES as SHOWN_PROGRAMMES
from ingestion.faults import FaultCode
from ingestion.records import PROGRAMMES
from local.aws import ROOT

DOCS = (ROOT / "docs" / "cli.md").read_text()
SECTIONS = dict(re.findall(r"^## kintell (\w+)\n(.*?)(?=^## |\Z)", DOCS, re.MULTILINE | re.DOTALL))
OPTION = re.compile(r"(?<![\w-])(--?[a-z][a-z-]*)")
OPTION_ROW = re.compile(r"^\| (`-.*?) \|", re.MULTILINE)


def options_of(command: click.Command) -> set[str]:
    return {name for parameter in command.params if isinstance(parameter, click.Option) for name in parameter.opts}


def test_every_command_has_its_section() -> None:
    assert SECTIONS.keys() == kintell.commands.keys()


@pytest.mark.parametrize("name", sorted(kintell.commands))
def test_page_and_command_have_the_same_options(name: str) -> None:
    rows = " ".join(OPTION_ROW.findall(SECTIONS[name]))
    assert set(OPTION.findall(rows)) == options_of(kintell.commands[name])


@pytest.mark.parametrize("name", sorted(kintell.commands))
def test_help_has_examples_of_the_command_that_are_understood(name: str) -> None:
    result = CliRunner().invoke(kintell, [name, "--help"])
    assert result.exit_code == 0
    _, _, examples = result.output.partition("Examples:\n")
    assert f"kintell {name}" in examples
    command = kintell.commands[name]
    for line in examples.splitlines():
        assert set(OPTION.findall(re.sub(r'"[^$].*?"|\|.*', "", line))) <= options_of(command), line


def test_the_page_shows_no_option_that_is_not_there() -> None:
    known = {"--help", "-h", "--version"}.union(*map(options_of, (kintell, *kintell.commands.values())))
    in_code = " ".join(re.findall(r"`[^`]*`|^\$ .*$", DOCS, re.MULTILINE))
    assert {option for option in OPTION.findall(in_code) if option != "-m"} <= known


def test_the_commands_are_those_of_the_contract() -> None:
    assert kintell.commands.keys() - {"completion", "login", "logout"} == {
        "import", "status", "errors", "batches", "sessions", "lineage", "audit", "summary", "cancel",
        "changes", "commit",
        "explain", "verify", "undo", "retry",
    }  # fmt: skip


def test_the_codes_on_the_page_have_the_words_of_the_command() -> None:
    found = re.findall(r"× (.*?) \((E\d+)", DOCS)
    assert found
    assert all(FaultCode(code).about.title.en == words for words, code in found)


def test_the_programmes_are_those_of_the_system() -> None:
    assert set(SHOWN_PROGRAMMES) == set(PROGRAMMES)


def test_the_package_needs_click_and_rich_and_is_the_command_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = {re.split(r"[^\w-]", wanted)[0] for wanted in project["project"]["dependencies"]}
    assert names == {"click", "rich"}
    assert project["tool"]["setuptools"]["packages"] == ["cli"]
    assert project["project"]["scripts"] == {"kintell": "cli.main:main"}


def test_the_command_imports_nothing_of_the_system() -> None:
    for module in (ROOT / "cli").glob("*.py"):
        roots = set(re.findall(r"^\s*(?:from|import) (\w+)", module.read_text(), re.MULTILINE))
        assert not roots & {
            "ingestion",
            "api",
            "dashboard",
            "local",
            "boto3",
            "botocore",
            "pg8000",
            "pydantic",
            "tests",
        }, module
