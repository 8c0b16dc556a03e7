"""The lineage of a batch as a graph: file, batch, what it wrote, programme instance, parent and corrections."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from api.openapi import answers
from api.problems import ProblemCode
from api.route_rights import Right, needs
from api.routing import BatchId, database, get_batch, new_router
from api.schemas import Shape, Utc, left_out
from ingestion.database.publishing.targets import Target, target_of
from ingestion.database.queries import batch_record
from ingestion.records import PROGRAMMES, SESSION, Kind

router = new_router()


class FileNode(Shape):
    """The object version that was imported."""

    id: str
    type: Literal["file"] = "file"
    label: str
    upload_id: UUID
    key: str
    version_id: str | None
    sha256: str
    size_bytes: int


class BatchNode(Shape):
    """The batch itself, the batch that it corrects, or one that corrects it."""

    id: str
    type: Literal["batch"] = "batch"
    label: str
    batch_id: UUID
    status: str
    created_at: Utc
    undone_at: Utc | None = left_out()
    undone_by: str | None = left_out()


class OutcomeNode(Shape):
    """Sessions, or people from a roster: how many the batch wrote, and how many still have that content."""

    id: str
    type: Literal["sessions", "people"]
    label: str
    inserted: int
    updated: int
    count: int
    current: int


class InstanceNode(Shape):
    """The programme instance that the file belongs to."""

    id: str
    type: Literal["programInstance"] = "programInstance"
    label: str
    program_type: str
    slug: str


Node = Annotated[FileNode | BatchNode | OutcomeNode | InstanceNode, Field(discriminator="type")]


class Edge(Shape):
    """`from` and `to` are ids of nodes."""

    source: str = Field(alias="from")
    to: str
    type: Literal["importedAs", "wrote", "belongsTo", "correctedBy"]


class Graph(Shape):
    """Nodes and edges, with the requested batch at the centre."""

    nodes: list[Node]
    edges: list[Edge]


@router.get(
    "/v1/import/batches/<batchId>/lineage",
    summary="The lineage of a batch",
    tags=["Lineage"],
    operation_id="getLineageOfBatch",
    security=needs(Right.IMPORTS_READ),
    responses=answers(Graph, ProblemCode.NO_SUCH_BATCH),
)
def lineage_of_batch(batch_id: BatchId) -> Graph:
    """Leads from its file to its sessions, and lists at most 200 corrections."""
    db = database()
    batch = get_batch(db, batch_id)
    me = _batch_node(batch)
    file, outcome = _file_node(batch), _outcome_node(batch, batch_record.standing(db, batch_id, _target(batch)))
    nodes: list[Any] = [file, me, outcome]
    edges = [_edge(file.id, me.id, "importedAs"), _edge(me.id, outcome.id, "wrote")]
    if batch["program_instance"] is not None:
        instance = _instance_node(batch)
        nodes.append(instance)
        edges.append(_edge(me.id, instance.id, "belongsTo"))
    for node, edge in _kin(me, batch_record.relatives(db, batch_id)):
        nodes.append(node)
        edges.append(edge)
    return Graph(nodes=nodes, edges=edges)


def _kin(me: BatchNode, relatives: list[dict[str, Any]]) -> Iterator[tuple[BatchNode, Edge]]:
    for relative in relatives:
        other = _batch_node(relative)
        corrected, correction = (me, other) if relative["is_child"] else (other, me)
        yield other, _edge(corrected.id, correction.id, "correctedBy")


def _edge(source: str, to: str, type_: str) -> Edge:
    return Edge.model_validate({"from": source, "to": to, "type": type_})


def _batch_node(batch: dict[str, Any]) -> BatchNode:
    return BatchNode(
        id=f"batch:{batch['id']}",
        label=f"{batch['file_name']} ({batch['status']})",
        batch_id=batch["id"],
        status=batch["status"],
        created_at=batch["created_at"],
        undone_at=batch.get("undone_at"),
        undone_by=batch.get("undone_by"),
    )


def _file_node(batch: dict[str, Any]) -> FileNode:
    return FileNode(
        id=f"file:{batch['upload_id']}",
        label=batch["file_name"],
        upload_id=batch["upload_id"],
        key=batch["key"],
        version_id=batch["version_id"],
        sha256=batch["file_hash"],
        size_bytes=batch["file_size_bytes"],
    )


def _target(batch: dict[str, Any]) -> Target:
    programme = PROGRAMMES.get(batch["program_type"])
    return target_of(programme.record if programme else SESSION)


def _outcome_node(batch: dict[str, Any], current: int) -> OutcomeNode:
    programme = PROGRAMMES.get(batch["program_type"])
    are_people = programme is not None and programme.kind is Kind.PEOPLE
    # A dry run counts what it would have written, but wrote nothing.
    inserted, updated = (0, 0) if batch["dry_run"] else (batch["inserted_rows"], batch["updated_rows"])
    kind: Literal["sessions", "people"] = "people" if are_people else "sessions"
    return OutcomeNode(
        id=f"{kind}:{batch['id']}",
        type=kind,
        label=f"{inserted + updated} {kind}",
        inserted=inserted,
        updated=updated,
        count=inserted + updated,
        current=current,
    )


def _instance_node(batch: dict[str, Any]) -> InstanceNode:
    slug = batch["program_instance"]
    return InstanceNode(id=f"programInstance:{slug}", label=slug, program_type=batch["program_type"], slug=slug)
