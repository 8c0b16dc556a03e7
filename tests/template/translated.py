"""python -m tests.template.translated FOLDER: writes what CloudFormation and Step Functions get to see, for linters.

`make verify-template` runs cfn-lint and checkov on them too: roles, permissions and schedules that SAM adds are in no
other file. The state machine is written with its substitutions made.
"""

import json
import os
import re
import sys
from pathlib import Path

import yaml

from tests.template.documents import TEMPLATES, definition_text, document
from tests.template.test_order import transformed

KEPT = ("AWSTemplateFormatVersion", "Description", "Parameters", "Conditions", "Outputs", "Metadata", "Rules")


def main() -> None:
    """Write a file for each template."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-north-1")
    folder = Path(sys.argv[1])
    for file in TEMPLATES:
        kept = {key: value for key, value in document(file).items() if key in KEPT}
        written = folder / file  # JSON, which is YAML too
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(json.dumps(kept | {"Resources": transformed(file)}, indent=1))
    substituted = re.sub(r"\$\{\w+Concurrency\}", "2", definition_text())
    substituted = re.sub(r"\$\{\w+FunctionArn\}", "arn:aws:lambda:eu-north-1:123456789012:function:name", substituted)
    definition = yaml.safe_load(re.sub(r"\$\{Partition\}", "aws", substituted))
    (folder / "import_batch.asl.json").write_text(json.dumps(definition, indent=1))


if __name__ == "__main__":
    main()
