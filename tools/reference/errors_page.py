"""docs/errors.md: every code that a row, a file, a batch or a request can get."""

import json
from pathlib import Path
from typing import Final

from api.problems import STATUS, ProblemCode
from ingestion.errors import RefusalCode
from ingestion.faults import FaultCode
from ingestion.file_warnings import WarningCode
from tools.reference.markdown import code, page, table

TEXTS: Final[dict[str, str]] = json.loads(
    (Path(__file__).parents[2] / "functions" / "dashboard" / "texts" / "en.json").read_text(encoding="utf-8")
)
FAILURES: Final = ("every_row_rejected", "too_many_errors", "import_broke")

ABOUT: Final = """\
Codes are stable: scripts may rely on them. A rejected row reports all of its faults, each with its code, the field and
a message that says what would be right. `errorSummary` of a batch counts faults by code and field and holds no personal
data."""


def render() -> str:
    """The whole page."""
    return page(
        "Error codes",
        ABOUT,
        "## Rows\n\nIn the error file as `_error_code`. "
        "[Fix rejected rows](how-to/fix-rejected-rows.md) says how to get such a row imported.",
        table(
            ["Code", "Fault", "What to do", "Category"],
            (
                [one.value, TEXTS[f"fault.{one.value}"], TEXTS[f"fault_help.{one.value}"], code(one.category)]
                for one in FaultCode
            ),
        ),
        "## Refused files\n\nA refused file makes no batch; nothing of it is read any further.",
        table(
            ["Code", "Reason", "What to do"],
            ([code(one), TEXTS[f"refusal.{one}"], TEXTS.get(f"refusal_help.{one}", "")] for one in RefusalCode),
        ),
        "## Failed batches\n\n`failureReason` begins with the code. Nothing of a failed batch is in the sessions.",
        table(["Code", "Reason"], ([code(one), TEXTS[f"failure.{one}"]] for one in FAILURES)),
        "## Warnings\n\nWhat was tolerated in a file that was imported, with a count.",
        table(["Code", "Warning"], ([code(one), TEXTS[f"warning.{one}"]] for one in WarningCode)),
        "## Problems of the API\n\nThe body of every HTTP error is an RFC 9457 problem with one of these codes, or, "
        "with status 422, the code of a refusal.",
        table(["Code", "Status"], ([code(one), f"{STATUS[one].value} {STATUS[one].phrase}"] for one in ProblemCode)),
    )
