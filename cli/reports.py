"""Reports on one batch or one upload, in lines, and the matching exit code."""

from typing import Final

from cli.api import Json
from cli.words import clean, command, local_time, size

DONE, FAILED, DONE_WITH_REJECTS = 0, 1, 3
ENDED: Final = ("completed", "failed", "archived", "undone")
RETRYABLE: Final = "/v1/import/retryable"
INDENT: Final = 13
MOST_HEADERS: Final = 20


def line(label: str, value: object) -> str:
    """A line such as `Success:     480`, with all values aligned."""
    return f"{label + ':':<{INDENT}}{clean(value)}"


def ending(batch: Json) -> list[str]:
    """The lines at the end of an import, which are part of the public contract."""
    batch_id = batch["batchId"]
    lines = [
        line("Batch ID", batch_id),
        line("Processed", f"{batch['processedRows']} rows"),
        line("Success", f"{batch['successRows']} ({batch['insertedRows']} new, {batch['updatedRows']} updated)"),
        line("Skipped", _skipped(batch)),
        line("Errors", batch["errorRows"]),
    ]
    if batch.get("correctedRows"):
        lines.append(line("Still open", f"{batch['openRows']} ({_corrected(batch)})"))
    if batch["errorRows"] and batch["links"]["errors"]:
        lines.append(line("Error file", command("kintell", "errors", batch_id, "-o", "errors.csv")))
    return lines


def _corrected(batch: Json) -> str:
    corrected = batch["correctedRows"]
    return "all corrected" if corrected == batch["errorRows"] else f"{corrected} corrected"


def _skipped(batch: Json) -> str:
    """The skipped rows. Valid rows of a failed batch are not imported, even if the same sessions were stored before."""
    unpublished = batch["unpublishedRows"]
    return f"{batch['skippedRows']}" + (f" ({unpublished} valid, but not imported)" if unpublished else "")


def remarks(batch: Json) -> list[str]:
    """Facts that the counts alone would not show."""
    found = []
    if batch["dryRun"]:
        found.append(line("Dry run", "nothing was imported; the counts show what an import would do"))
    if batch["failureReason"]:
        found.append(line("Failed", batch["failureReason"]))
    return found + tolerated(batch) + overlapping(batch)


def overlapping(batch: Json) -> list[str]:
    """What the file has in common with the nearest earlier one."""
    if not batch.get("overlap"):
        return []
    nearest = batch["overlap"][0]
    here = nearest["sameRows"] + nearest["changedRows"] + nearest["onlyHere"]
    said = f"{nearest['sameRows']} of {here} rows are the same as in {nearest['fileName']}"
    changed = ", ".join(f"{each['field']} {each['rows']}" for each in nearest["changedFields"])
    if changed:
        said += f", {nearest['changedRows']} changed ({changed})"
    return [line("Compared", f"{said}: {command('kintell', 'status', nearest['batchId'])}")]


def tolerated(batch: Json) -> list[str]:
    """Warnings about the file, and columns that were not imported, with the nearest known name."""
    found = [line("Warning", _warning(warning)) for warning in batch.get("warnings", [])]
    metadata = batch.get("csvMetadata", {})
    unknown, near = metadata.get("unknownHeaders") or [], metadata.get("nearestNames") or {}
    for header in unknown[:MOST_HEADERS]:
        advice = f'; did you mean "{near[header]}"?' if header in near else ""
        found.append(line("Unknown", f'column "{header}" was not imported{advice}'))
    if len(unknown) > MOST_HEADERS:
        found.append(line("Unknown", f"{len(unknown) - MOST_HEADERS} more columns were not imported"))
    return found


def _warning(warning: Json) -> str:
    """A warning and its count; an API that is older than this command may send no text for it."""
    share = f", {warning['percent']:g} %" if warning.get("percent") else ""
    earlier = f": {command('kintell', 'status', warning['batchId'])}" if warning.get("batchId") else ""
    return f"{warning.get('title') or warning['code']} ({warning['count']}{share}){earlier}"


def status(batch: Json) -> list[str]:
    """The status of a batch, for people."""
    instance = f" / {batch['programInstance']}" if batch["programInstance"] else ""
    state = batch["status"]
    if state not in ENDED:
        state = f"{state}, {batch['percentComplete']:g} % of {batch['totalRows']} rows"
    facts = {
        "File": f"{batch['fileName']} ({size(batch['fileSizeBytes'])})",
        "Programme": f"{batch['programType']}{instance}",
        "Imported by": batch["importedBy"],
        "Corrects": batch["parentBatchId"],
        "Created": local_time(batch["createdAt"]),
        "Completed": local_time(batch["completedAt"]),
        "Status": state,
    }
    return [line(label, fact) for label, fact in facts.items() if fact] + remarks(batch)


def retry_offer(batches: list[Json]) -> list[str]:
    """Which rejected rows would now pass, after an import of people."""
    rows = sum(batch["wouldPass"] for batch in batches)
    if not rows:
        return []
    of = "1 import" if len(batches) == 1 else f"{len(batches)} imports"
    what = f"{rows} rejected {'row' if rows == 1 else 'rows'} of {of}"
    return [line("Retry", f"{what} would now pass: {command('kintell', 'retry', '--all')}")]


def refusal(refused: Json) -> list[str]:
    """Why an upload did not become a batch, and the batch that already has its content."""
    lines = [line("Refused", f"{refused['code']}: {refused['message']}")]
    if refused.get("batchId"):
        lines.append(line("Earlier", command("kintell", "status", refused["batchId"])))
        lines.append(line("Again", "kintell import FILE --force --reason TEXT"))
    return lines


def exit_code(batch: Json) -> int:
    """The exit code of a command for a batch in this state; a batch that still runs is not a failure."""
    if batch["status"] == "failed":
        return FAILED
    return DONE_WITH_REJECTS if batch["status"] in ENDED and batch["errorRows"] else DONE
