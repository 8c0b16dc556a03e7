"""Draws the lineage graph as SVG without a style of its own, in columns from left to right.

File, import, sessions and programme instance stand side by side on this import's line. The import that it corrects is
above it, its corrections are below, and edges join them on the left. A node's kind decides its place, so no edge
crosses a box, however many corrections there are.
"""

from typing import Any, Final, NamedTuple

from api.lineage_graph import Edge, Graph

WIDTH: Final = 208
HEIGHT: Final = 66
GAP_ACROSS: Final = 76
GAP_DOWN: Final = 22
MARGIN: Final = 6
ASIDE: Final = 38
"""How far to the left of the imports the edges between them run; less than the gap."""
BEND: Final = 8
ARROW: Final = 7

MAX_CORRECTIONS: Final = 8
"""More corrections would make a wall of boxes; the list below the picture has the rest."""

COLUMNS: Final = {"file": 0, "batch": 1, "sessions": 2, "people": 2, "programInstance": 3}


class Box(NamedTuple):
    """A node and its upper left corner."""

    node: Any
    x: int
    y: int


class Line(NamedTuple):
    """An edge as a path, and the place of its label; of edges that run together, only the first has a label."""

    path: str
    type: str
    x: int
    y: int
    has_label: bool = True


class Drawing(NamedTuple):
    """Boxes and lines, and the size of the picture."""

    boxes: list[Box]
    lines: list[Line]
    width: int
    height: int
    left_out: int
    box_width: int = WIDTH
    box_height: int = HEIGHT


def draw(graph: Graph) -> Drawing:
    """Draw the graph with this import's line in the middle."""
    imports = _imports(graph)
    shown = imports[: 2 + MAX_CORRECTIONS]
    level = next(row for row, node in enumerate(shown) if node.id == _mine(graph))
    beside = [node for node in graph.nodes if node.type != "batch"]
    boxes = {node.id: _box(node, level) for node in beside}
    boxes |= {node.id: _box(node, row) for row, node in enumerate(shown)}
    edges = [edge for edge in _drawn(graph) if edge.source in boxes and edge.to in boxes]
    columns = max(COLUMNS[box.node.type] for box in boxes.values()) + 1
    return Drawing(
        # The order in which people read them, which the Tab key follows.
        sorted(boxes.values(), key=lambda box: (box.x, box.y)),
        _lines(edges, boxes),
        columns * (WIDTH + GAP_ACROSS) - GAP_ACROSS + 2 * MARGIN,
        len(shown) * (HEIGHT + GAP_DOWN) - GAP_DOWN + 2 * MARGIN,
        len(imports) - len(shown),
    )


def _mine(graph: Graph) -> str:
    return next(edge.to for edge in graph.edges if edge.type == "importedAs")


def _imports(graph: Graph) -> list[Any]:
    """The import that this one corrects, this one, and those that correct it."""
    mine = _mine(graph)
    corrections = {edge.to for edge in graph.edges if edge.type == "correctedBy" and edge.source == mine}
    nodes = [node for node in graph.nodes if node.type == "batch"]
    return sorted(nodes, key=lambda node: 1 if node.id == mine else 2 if node.id in corrections else 0)


def _drawn(graph: Graph) -> list[Edge]:
    """The edges to draw. If sessions were written, the edge to the programme instance starts at them."""
    wrote = next((edge.to for edge in graph.edges if edge.type == "wrote"), None)
    return [
        edge.model_copy(update={"source": wrote}) if edge.type == "belongsTo" and wrote else edge
        for edge in graph.edges
    ]


def _box(node: Any, row: int) -> Box:
    return Box(node, MARGIN + COLUMNS[node.type] * (WIDTH + GAP_ACROSS), MARGIN + row * (HEIGHT + GAP_DOWN))


def _lines(edges: list[Edge], boxes: dict[str, Box]) -> list[Line]:
    """The lines of the edges; edges with the same start run together and share a label."""
    begun = [(edge.source, edge.type) for edge in edges]
    return [
        _line(boxes[edge.source], boxes[edge.to], edge.type)._replace(has_label=begun.index(begun[number]) == number)
        for number, edge in enumerate(edges)
    ]


def _line(source: Box, to: Box, type_: str) -> Line:
    from_y, to_y = source.y + HEIGHT // 2, to.y + HEIGHT // 2
    if source.x == to.x:
        aside = to.x - ASIDE
        # Keep clear of the edge that comes from the file.
        start, end = from_y + 12, to_y - 12
        path = (
            f"M{source.x},{start} H{aside + BEND} Q{aside},{start} {aside},{start + BEND} "
            f"V{end - BEND} Q{aside},{end} {aside + BEND},{end} H{to.x - ARROW}"
        )
        return Line(path, type_, aside, (start + end) // 2 + 4)
    from_x = source.x + WIDTH
    return Line(f"M{from_x},{from_y} L{to.x - ARROW},{to_y}", type_, (from_x + to.x - ARROW) // 2, from_y - 7)
