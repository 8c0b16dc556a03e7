"""A world in which every page of the dashboard has something to show."""

from ingestion.faults import FaultCode
from tests.api.world import World

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
EVIL = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>{{ 7 * 7 }}'


def everything(world: World, text: str = "fine") -> dict[str, str]:
    """A world in which every page has something to show, with *text* wherever a person or a file may put one."""
    instance = world.instance("mentors-ukraine-2024-q4")
    people = (world.user("anna@example.org"), world.user("ole@example.org", "volunteer"))
    first = world.batch(program_instance_id=instance, file_name=f"first {text}.csv")
    upload = world.upload(file_name=f"second {text}.csv", key=f"incoming/{text}.csv", uploaded_by=text, claimed_by=text)
    second = world.batch(
        upload_id=upload,
        program_instance_id=instance,
        parent_batch_id=first,
        file_name=f"second {text}.csv",
        imported_by=text,
        claimed_by=text,
        forced=True,
        force_reason=text,
        max_error_percent=12.5,
        error_file_key="errors/x.csv",
        rating_scale="one_to_five",
        error_summary=[
            {"code": code.value, "category": code.category.value, "field": "row", "count": n + 1}
            for n, code in enumerate(FaultCode)
        ],
        csv_metadata={
            "delimiter": "\t",
            "encoding": "cp1251",
            "encodingChosenBy": "score",
            "headers": ["session_id", text],
            "unknownHeaders": [text],
            "detectedSchemaVersion": "1.0",
            "rowCount": 10,
            "hasHeaderRow": True,
            "programChosenBy": "file_name",
            "programInstanceChosenBy": "session_dates",
            "warnings": [{"code": "lost_characters", "count": 3}, {"code": text, "count": 1}],
        },
    )
    session = world.session(
        second,
        1,
        instance,
        people,
        inserted_by=(first, 3),
        version=2,
        external_session_id=f"MS {text}",
        feedback_text=text,
        focus_area=text,
        topics=[text, "other"],
        metadata={"note": text},
        rating=0.5,
    )
    world.earlier(session, 1, first, 3, instance, second)
    world.audit("upload_received", resource_type="upload", resource_id=upload, actor=text)
    world.audit("import_completed", resource_type="batch", resource_id=second, batch_id=second)
    refused = world.upload(
        state="refused",
        file_name=f"third {text}.csv",
        refusal_code="already_imported",
        refusal_message=text,
        refusal_batch_id=first,
    )
    return {
        "imports": "/",
        "list": "/imports/list",
        "drop": "/drop",
        "mended": f"/drop?parent={second}",
        "batch": f"/batches/{second}",
        "live": f"/batches/{second}/live",
        "sessions": f"/batches/{second}/sessions",
        "graph": f"/batches/{second}/lineage",
        "search": "/lineage",
        "session": f"/sessions/{session}",
        "programmes": "/programmes",
        "programme": "/programmes/mentors-ukraine-2024-q4",
        "months": "/programmes/mentors-ukraine-2024-q4/sessions",
        "refused": f"/uploads/{refused}",
        "outcome": f"/uploads/{refused}/outcome",
    }


def asked(path: str) -> tuple[str, dict[str, str]]:
    """Path and parameters."""
    path, _, query = path.partition("?")
    return path, dict([query.split("=", 1)]) if query else {}
