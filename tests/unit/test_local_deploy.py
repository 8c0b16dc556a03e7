"""Packaging: archives that change only with their content, and CloudFormation's short forms."""

import io
import zipfile
from pathlib import Path

import pytest
import yaml

from local.deploy import TemplateLoader, archive
from local.failures import CannotStart


def test_an_archive_is_the_same_for_the_same_files(tmp_path: Path) -> None:
    (tmp_path / "stage").mkdir()
    module = tmp_path / "stage" / "app.py"
    module.write_text("x = 1\n")
    first = archive(tmp_path, inside="python/")
    module.touch()
    assert archive(tmp_path, inside="python/") == first
    module.write_text("x = 2\n")
    assert archive(tmp_path, inside="python/") != first


def test_modules_are_compiled_ahead(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("x = 1\n")
    (tmp_path / "page.html").write_text("<p>")
    names = zipfile.ZipFile(io.BytesIO(archive(tmp_path, inside=""))).namelist()
    assert [Path(name).suffix for name in names] == [".py", ".pyc", ".html"]


def test_a_syntax_error_is_told_before_anything_is_deployed(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def handler(:\n")
    with pytest.raises(CannotStart, match=r"app\.py does not compile"):
        archive(tmp_path, inside="")


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("!Ref Bucket", {"Ref": "Bucket"}),
        ("!GetAtt Stage.Arn", {"Fn::GetAtt": ["Stage", "Arn"]}),
        ("!Sub '${Bucket}/x'", {"Fn::Sub": "${Bucket}/x"}),
        ("!If [Vpc, !Ref A, !Ref B]", {"Fn::If": ["Vpc", {"Ref": "A"}, {"Ref": "B"}]}),
        ("!Sub ['${x}', {x: !Ref A}]", {"Fn::Sub": ["${x}", {"x": {"Ref": "A"}}]}),
        ("!Condition Vpc", {"Condition": "Vpc"}),
    ],
)
def test_short_forms_are_read_as_long_ones(short: str, long: object) -> None:
    assert yaml.load(short, TemplateLoader) == long
