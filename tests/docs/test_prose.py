"""The prose check finds what the house doesn't write, is quiet on what it does, and the repository passes it."""

from pathlib import Path

import pytest

from tools.prose import ROOT, faults, files, texts
from tools.prose_rules import faults_in


def test_the_repository_has_no_fault() -> None:
    assert [fault for path in files() for fault in faults(path)] == []


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("What becomes of each staged row.", id="what becomes of"),
        pytest.param("See what came of them.", id="what came of"),
        pytest.param("The cursor is none of this list.", id="none of this"),
        pytest.param("There are five rows, of which none is valid.", id="of which none"),
        pytest.param("A number without end is none that can be waited for.", id="none that"),
        pytest.param("Other systems are told by EventBridge.", id="told"),
        pytest.param("No rating tells whether the scale is 0–1 or 1–5.", id="tells"),
        pytest.param("Reconcile weighs the rows.", id="weighs"),
        pytest.param("The scale is settled later.", id="settled"),
        pytest.param("The variables that are furnished by the template.", id="furnished"),
        pytest.param("The step that admits people.", id="admits"),
        pytest.param("The login is remembered with each asking.", id="asking"),
        pytest.param("It was taken for 1–5.", id="taken for"),
        pytest.param("The session id is taken.", id="taken"),
        pytest.param("The file was not taken up within a minute.", id="taken up"),
        pytest.param("The row was there already.", id="there already"),
        pytest.param("Mend them, and drop the file.", id="drop the file"),
        pytest.param("The browser comes with a pass.", id="a pass"),
        pytest.param("These two helpers look it up.", id="helpers"),
        pytest.param("Every job is retried.", id="job"),
        pytest.param("Of Migrate alone, which connects as the owner.", id="of … alone"),
        pytest.param("Ask whosoever runs it, or the author thereof.", id="archaic"),
        pytest.param("The colors of a page.", id="color"),
        pytest.param("Names are normalized first.", id="normalized"),
        pytest.param("The tests analyze them.", id="analyze"),
        pytest.param("It recognizes people.", id="recognizes"),
        pytest.param("The import was canceled.", id="canceled"),
        pytest.param("A catalog of codes.", id="catalog"),
        pytest.param("Send an e-mail.", id="e-mail"),
        pytest.param("The timezone of the file.", id="timezone"),
        pytest.param("The filename says it.", id="filename"),
        pytest.param("Written in lowercase letters.", id="lowercase"),
        pytest.param("Name a program instance.", id="program instance"),
        pytest.param("It stopped halfway.", id="halfway"),
        pytest.param("Rows are counted. Nor for small files.", id="nor for"),
        pytest.param("Of the last result.", id="of the"),
        pytest.param(f"A sentence with {'word ' * 50}in it.", id="fifty words"),
    ],
)
def test_what_the_house_does_not_write_is_found(sentence: str) -> None:
    assert list(faults_in(sentence))


@pytest.mark.parametrize(
    "sentence",
    [
        "Every row is accounted for: inserted, updated, unchanged or rejected.",
        "The two can't be told apart, and a failed import is taken back.",
        "Intake makes one pass over the file, which decides where rows end.",
        "The subject tells the two accounts apart.",
        "Finalize writes the counts; finalizing twice changes nothing.",
        "`normalize` and `color` are names of code, which nobody translates.",
        "It sends `Authorization: Bearer`, and runs VACUUM ANALYZE.",
        "For a small file there is one chunk.",
        "By default it waits for five minutes.",
        "Each computer program that reads it gets the same size, and organises what it realised.",
        "A prize in dollars: seize it, whatever its size.",
    ],
)
def test_good_prose_passes(sentence: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(sentence, encoding="utf-8")
    assert list(faults(page)) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.md", "# T\n\n| | |\n|---|---|\n| good | what came of it |\n", id="cell of a table"),
        pytest.param("a.md", "* good\n* **bold**: what came of it\n", id="item of a list"),
        pytest.param("a.py", '"""Docs."""\nVALUE = 1\n"""What came of it."""\n', id="docstring of a value"),
        pytest.param(
            "a.py", '"""Docs."""\n# Comments that break where\n# nobody knows what\n# came of it.\n', id="comment"
        ),
        pytest.param("a.py", '"""Docs."""\nraise SystemExit("nobody knows what came of it")\n', id="message"),
        pytest.param("a.yaml", "Description: What came of it\n", id="description in the template"),
        pytest.param("a.yaml", "key: value  # what came of it\n", id="comment of YAML"),
        pytest.param("a.json", '{"text": "See what came of it."}', id="text of the dashboard"),
        pytest.param("a.sql", "SELECT 1; -- what came of it\n", id="comment of SQL"),
        pytest.param("a.sql", "COMMENT ON TABLE a IS 'what came of it';\n", id="comment on a table"),
        pytest.param("Makefile", 'help:\n\t@echo "make demo  show what came of them"\n', id="help of make"),
        pytest.param("a.js", "// what came of it\n", id="comment of a script"),
        pytest.param("a.css", "/* what came of it */\n", id="comment of a style"),
    ],
)
def test_prose_of_every_kind_is_read(name: str, content: str, tmp_path: Path) -> None:
    page = tmp_path / name
    page.write_text(content, encoding="utf-8")
    assert list(faults(page))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.md", "Run this:\n\n```sh\necho what came of it\n```\n", id="block of code"),
        pytest.param("a.md", "Run this:\n\n    echo what came of it\n\nand this.\n", id="indented code"),
        pytest.param("a.md", "Run `echo what came of it`.\n", id="code in a line"),
        pytest.param("a.py", '"""Docs."""\nwhat_came_of = {"color": "told"}\n', id="names and short texts"),
    ],
)
def test_code_is_not_prose(name: str, content: str, tmp_path: Path) -> None:
    page = tmp_path / name
    page.write_text(content, encoding="utf-8")
    assert list(faults(page)) == []


def test_the_readers_reach_every_room() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in files()}
    assert names >= {"README.md", "Makefile", "template.yaml", "infra/api.yaml", "statemachine/import_batch.asl.yaml"}
    assert names >= {"docs/tutorial.md", "cli/main.py", "functions/dashboard/texts/en.json", "local/up.py"}
    assert names >= {"layers/common/ingestion/batch.py", "layers/common/ingestion/database/schema.sql", "bench/run.py"}
    assert any("Intake" in text.words for text in texts(ROOT / "docs/explanation/architecture.md"))
