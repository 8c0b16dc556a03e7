"""Exports saved in other ways, through all stages after the original: nothing in them is new or changed."""

import pytest

from tests.stages import polluter
from tests.stages.conftest import Pipeline
from tests.unit.reference_reader import EXAMPLES

FOLDERS = {
    "mentors_ukraine": "incoming/mentors_ukraine/mentors-ukraine-2026-q1/",
    "language_ukraine": "incoming/language_ukraine/language-ukraine-2026-03/",
}
STEP = 8 if EXAMPLES <= 200 else 1
"""One in eight files is imported in every run, all of them by make fuzz-reader."""


@pytest.mark.parametrize("first", range(2))
@pytest.mark.parametrize("programme", FOLDERS)
def test_the_same_rows_saved_in_another_way_change_nothing(pipeline: Pipeline, programme: str, first: int) -> None:
    original = polluter.export(programme)
    count = len(original.rows)
    pipeline.know(*(row[at] for row in original.rows for at in (1, 2)))
    loaded = pipeline.load(FOLDERS[programme] + "original.csv", original.text.encode())
    assert (loaded["inserted_rows"], loaded["error_rows"]) == (count, 0)
    changed = []
    for polluted in list(polluter.saved_again(original))[first * (STEP // 2) :: STEP]:
        taken = pipeline.upload(FOLDERS[programme] + "again.csv", polluted.body)
        if taken["state"] == "refused":
            continue
        batch = pipeline.run(taken["batch_id"])
        if batch["inserted_rows"] or batch["updated_rows"] or batch["total_rows"] < count:
            names = ("total_rows", "inserted_rows", "updated_rows", "skipped_rows", "error_rows")
            changed.append((polluted.name, {name: batch[name] for name in names}))
    assert changed == []
