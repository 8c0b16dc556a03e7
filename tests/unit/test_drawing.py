"""The lineage graph on paper: each kind in its column, what an import corrects above it, its corrections below."""

from datetime import UTC, datetime
from itertools import combinations
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.lineage_graph import BatchNode, Edge, FileNode, Graph, InstanceNode, OutcomeNode
from dashboard.lineage_drawing import HEIGHT, MAX_CORRECTIONS, WIDTH, Box, draw


def batch(name: str) -> BatchNode:
    at = datetime(2024, 12, 1, tzinfo=UTC)
    return BatchNode(id=name, label=f"{name} (completed)", batch_id=uuid4(), status="completed", created_at=at)


def edge(source: str, to: str, type_: str) -> Edge:
    return Edge.model_validate({"from": source, "to": to, "type": type_})


def graph(corrections: int, *, has_parent: bool = True, has_instance: bool = True) -> Graph:
    file = FileNode(
        id="file", label="x.csv", upload_id=UUID(int=1), key="k", version_id=None, sha256="0" * 64, size_bytes=1
    )
    sessions = OutcomeNode(
        id="sessions", type="sessions", label="1 sessions", inserted=1, updated=0, count=1, current=1
    )
    nodes: list[Any] = [file, batch("me"), sessions]
    edges = [edge("file", "me", "importedAs"), edge("me", "sessions", "wrote")]
    if has_instance:
        nodes.append(InstanceNode(id="instance", label="run-1", program_type="mentors_ukraine", slug="run-1"))
        edges.append(edge("me", "instance", "belongsTo"))
    if has_parent:
        nodes.append(batch("parent"))
        edges.append(edge("parent", "me", "correctedBy"))
    for number in range(corrections):
        nodes.append(batch(f"child {number}"))
        edges.append(edge("me", f"child {number}", "correctedBy"))
    return Graph(nodes=nodes, edges=edges)


def overlap(one: Box, other: Box) -> bool:
    return abs(one.x - other.x) < WIDTH and abs(one.y - other.y) < HEIGHT


@pytest.mark.parametrize("corrections", [0, 1, 3, 200])
@pytest.mark.parametrize("has_parent", [True, False])
def test_boxes_lie_apart_and_inside_the_picture(corrections: int, has_parent: bool) -> None:
    drawing = draw(graph(corrections, has_parent=has_parent))
    assert not any(overlap(one, other) for one, other in combinations(drawing.boxes, 2))
    assert all(box.x > 0 and box.x + WIDTH < drawing.width for box in drawing.boxes)
    assert all(box.y > 0 and box.y + HEIGHT < drawing.height for box in drawing.boxes)
    assert len(drawing.boxes) + drawing.left_out == 4 + has_parent + corrections
    assert drawing.left_out <= max(0, corrections - MAX_CORRECTIONS)


def test_this_imports_line_goes_straight_from_its_file_to_its_programme() -> None:
    places = {box.node.id: (box.x, box.y) for box in draw(graph(2)).boxes}
    line = [places[name] for name in ("file", "me", "sessions", "instance")]
    assert [x for x, _ in line] == sorted({x for x, _ in line})
    assert len({y for _, y in line}) == 1
    assert places["parent"][1] < places["me"][1] < places["child 0"][1] < places["child 1"][1]
    assert {places[name][0] for name in ("parent", "me", "child 0", "child 1")} == {places["me"][0]}


def test_edges_that_begin_alike_have_one_label() -> None:
    lines = draw(graph(3)).lines
    assert [line.type for line in lines] == ["importedAs", "wrote", "belongsTo", *["correctedBy"] * 4]
    assert [line.has_label for line in lines] == [True] * 5 + [False] * 2


def test_without_a_programme_instance_the_picture_ends_with_the_sessions() -> None:
    assert draw(graph(0, has_instance=False)).width < draw(graph(0)).width
