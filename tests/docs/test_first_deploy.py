"""What docs/first-deploy.md names is there: outputs, parameters, resources, sample files."""

import re
from typing import Final

import pytest

from tests.template.documents import ROOT, document, resources

PAGE: Final = (ROOT / "docs/first-deploy.md").read_text()


@pytest.mark.parametrize(
    ("pattern", "there"),
    [
        (r"output\(? ?(?!\(\))(\w+)\)", document("template.yaml")["Outputs"].keys()),
        (r"\b([A-Z]\w+)=[\w:]", document("template.yaml")["Parameters"].keys() | {"AWS_REGION"}),
        (r"--logical-resource-id (\w+)", resources("AWS::Serverless::Function").keys()),
        (r"(local/samples/[\w.-]+)", {f"local/samples/{path.name}" for path in (ROOT / "local/samples").iterdir()}),
    ],
)
def test_what_the_page_names_is_there(pattern: str, there: set[str]) -> None:
    named = {name for name in re.findall(pattern, PAGE) if not name.isupper()}
    assert named
    assert named <= there
