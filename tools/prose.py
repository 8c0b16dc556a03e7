"""python -m tools.prose [PATH …]: sentences that the house doesn't write, in pages, docstrings, comments and messages.

make lint runs it, by tests/docs/test_prose.py. What stands between backquotes or in a block of code is not prose.
"""

import ast
import io
import json
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tools.prose_rules import faults_in

ROOT: Final = Path(__file__).parents[1]
_FENCE: Final = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
_CODE: Final = re.compile(r"``[^`]+``|`[^`\n]+`|<!--.*?-->|<[^>\s][^>]*>|\]\([^)]*\)|https?://\S+", re.DOTALL)
_INDENTED: Final = re.compile(r"(?<=\n\n)(?: {4}.*\n)+", re.MULTILINE)
_YAML: Final = re.compile(r"(?:^|\s)#\s?(.*)|^\s*(?:Description|AssertDescription|Comment|AlarmDescription): *(.*)")
_SQL: Final = re.compile(r"--\s?(.*)|\bIS '(.*)'")
_SCRIPT: Final = re.compile(r"^\s*(?://|/?\*+)\s?(.*?)(?:\*/)?$")
_OTHER_ALPHABETS: Final = re.compile(r"[æøåÆØÅЀ-ӿ]")
_READ: Final = {".md", ".py", ".json", ".yaml", ".yml", ".sql", ".js", ".css", ".html", ".toml"}
_NOT_OURS: Final = re.compile(
    r"htmx\.min\.js|/golden/|^docs/openapi\.json$|^(?:events|bench)/.*\.json$|/nb\.json$|^tools/prose_rules\.py$"
    r"|^tests/docs/test_prose\.py$|^build/|^\.venv|/\.aws-sam/"
)


class Text(NamedTuple):
    """Some prose and the line on which it begins."""

    line: int
    words: str


def main() -> None:
    """Exit with 1 and a line for each fault."""
    paths = [Path(name).resolve() for name in sys.argv[1:]] or list(files())
    found = [fault for path in paths for fault in faults(path)]
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))


def files() -> Iterator[Path]:
    """Every file of the repository that holds prose of ours."""
    tops = ("docs", "functions", "layers", "cli", "local", "tools", "bench", "tests", "infra", "statemachine")
    yield from sorted(path for path in ROOT.iterdir() if _holds_prose(path))
    for top in tops:
        yield from sorted(path for path in (ROOT / top).rglob("*") if _holds_prose(path))


def _holds_prose(path: Path) -> bool:
    name = path.relative_to(ROOT).as_posix()
    return path.is_file() and (path.suffix in _READ or path.name == "Makefile") and not _NOT_OURS.search(name)


def faults(path: Path) -> Iterator[str]:
    """`file:line: fault: sentence`, for each."""
    name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    for text in texts(path):
        for fault, sentence in faults_in(text.words):
            yield f"{name}:{text.line}: {fault}: {sentence[:120]}"


def texts(path: Path) -> Iterator[Text]:
    """The prose of a file, without code."""
    content = path.read_text(encoding="utf-8")
    read = _READERS.get(path.suffix or path.name, _comments_of_yaml)
    for line, words in read(content):
        if not _OTHER_ALPHABETS.search(words) or path.suffix == ".md":
            yield Text(line, _CODE.sub(_gap, words))


def _gap(code: re.Match[str]) -> str:
    """A name stands where code stood, so that its sentence stays one; links and comments leave nothing."""
    return "CODE" if code[0][0] == "`" else ""


def _paragraphs(content: str) -> Iterator[Text]:
    """Markdown's paragraphs, items, headings and cells of tables."""
    prose = _FENCE.sub(lambda found: "\n" * found[0].count("\n"), content)
    prose = _INDENTED.sub(lambda found: "\n" * found[0].count("\n"), prose)
    line = 1
    for block in re.split(r"(\n\s*\n|\n(?=\s*(?:[*-]|\d+\.|#+|\|) ))", prose):
        for cell in block.split("|") if block.lstrip().startswith("|") else [block]:
            yield Text(line, re.sub(r"^\s*(?:[*#-]+|\d+\.)\s+|\*\*", "", cell).strip())
        line += block.count("\n")


def _of_python(content: str) -> Iterator[Text]:
    """Docstrings, comments that follow each other, and texts of several words."""
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.strip().count(" ") >= 2:
            for part in re.split(r"\n\s*\n", node.value):
                yield Text(node.lineno, part)
    run: list[str] = []
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type != tokenize.COMMENT:
            continue
        if run and token.start[0] != last + 1:
            yield Text(last - len(run) + 1, "\n".join(run))
            run = []
        run.append(re.sub(r"^#+\s?|^noqa.*|^type:.*", "", token.string))
        last = token.start[0]
    if run:
        yield Text(last - len(run) + 1, "\n".join(run))


def _of_json(content: str) -> Iterator[Text]:
    """The values of an object of texts."""
    lines = content.splitlines()
    for key, value in json.loads(content).items():
        if isinstance(value, str):
            line = next((number for number, text in enumerate(lines, 1) if f'"{key}"' in text), 1)
            yield Text(line, re.sub(r"\{\w+\}", "CODE", value))


def _lines(pattern: re.Pattern[str]) -> Callable[[str], Iterator[Text]]:
    """What *pattern* finds of each line; lines that follow each other are one text."""

    def read(content: str) -> Iterator[Text]:
        run: list[str] = []
        for number, line in enumerate([*content.splitlines(), ""], 1):
            found = pattern.search(line)
            words = next((group for group in found.groups() if group), "") if found else ""
            if words:
                run.append(words)
            elif run:
                yield Text(number - len(run), "\n".join(run))
                run = []

    return read


_comments_of_yaml: Final = _lines(_YAML)
_READERS: Final[dict[str, Callable[[str], Iterator[Text]]]] = {
    ".md": _paragraphs,
    ".py": _of_python,
    ".json": _of_json,
    ".sql": _lines(_SQL),
    "Makefile": _lines(re.compile(r"(?:^|\s)#\s?(.*)|echo \"(?:make [\w-]+ +)?([^\"]*)")),
    ".js": _lines(_SCRIPT),
    ".css": _lines(_SCRIPT),
    ".html": _lines(re.compile(r"\{#-?\s*(.*?)\s*-?#\}")),
}


if __name__ == "__main__":
    main()
