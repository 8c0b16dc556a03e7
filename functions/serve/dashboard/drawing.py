"""Pictures drawn here, as SVG without a style of its own: the lineage graph in layers, and bars.

A layer of the graph is the longest way to it from a node that nothing leads to; in a layer, nodes stand in the order in
which they were named. That is all that graphs of a dozen nodes need.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from serve.graphs import Graph

WIDTH, HEIGHT = 230, 66
GAP_ACROSS, GAP_DOWN = 90, 18
MARGIN: Final = 6
MAX_IN_LAYER: Final = 9
"""More than these would be a wall of boxes: the rest is in the list below the picture."""


class Box(NamedTuple):
    """A node and its upper left corner."""

    node: Any
    x: int
    y: int


class Line(NamedTuple):
    """An edge, as the path of its curve, and where its label goes."""

    path: str
    type: str
    x: int
    y: int


class Drawing(NamedTuple):
    """Boxes and lines, in a picture of this size."""

    boxes: list[Box]
    lines: list[Line]
    width: int
    height: int
    left_out: int


class Bar(NamedTuple):
    """A column of a bar chart, of a height in percent, with what it says."""

    label: str
    value: str
    percent: float


def draw(graph: Graph) -> Drawing:
    """The graph from left to right."""
    layers = _layers(graph)
    shown = [layer[:MAX_IN_LAYER] for layer in layers]
    deepest = max(len(layer) for layer in shown)
    height = deepest * (HEIGHT + GAP_DOWN) - GAP_DOWN + 2 * MARGIN
    boxes = {
        node.id: Box(
            node,
            MARGIN + number * (WIDTH + GAP_ACROSS),
            MARGIN + place * (HEIGHT + GAP_DOWN) + (deepest - len(layer)) * (HEIGHT + GAP_DOWN) // 2,
        )
        for number, layer in enumerate(shown)
        for place, node in enumerate(layer)
    }
    lines = [
        _line(boxes[edge.source], boxes[edge.to], edge.type)
        for edge in graph.edges
        if edge.source in boxes and edge.to in boxes
    ]
    width = len(shown) * (WIDTH + GAP_ACROSS) - GAP_ACROSS + 2 * MARGIN
    return Drawing(list(boxes.values()), lines, width, height, len(graph.nodes) - len(boxes))


def _layers(graph: Graph) -> list[list[Any]]:
    depth = {node.id: 0 for node in graph.nodes}
    # Each round settles one layer more.
    for _ in graph.nodes:
        for edge in graph.edges:
            depth[edge.to] = max(depth[edge.to], depth[edge.source] + 1)
    return [[node for node in graph.nodes if depth[node.id] == layer] for layer in range(max(depth.values()) + 1)]


def _line(source: Box, to: Box, type_: str) -> Line:
    from_x, from_y = source.x + WIDTH, source.y + HEIGHT // 2
    to_x, to_y = to.x, to.y + HEIGHT // 2
    middle = (from_x + to_x) // 2
    path = f"M{from_x},{from_y} C{middle},{from_y} {middle},{to_y} {to_x - 7},{to_y}"
    return Line(path, type_, middle, (from_y + to_y) // 2 - 6)


def bars(columns: Sequence[tuple[str, str, float]], highest: float | None = None) -> list[Bar]:
    """A bar for each label, text and value; *highest* is the value of a full one, else it is the largest."""
    full = highest or max((value for _, _, value in columns), default=0)
    return [Bar(label, text, round(100 * value / full, 2) if full else 0.0) for label, text, value in columns]


def every_month(first: date, last: date) -> list[date]:
    """The first day of each month from *first* to *last*: a month in which nothing happened is a gap, not left out."""
    count = 12 * (last.year - first.year) + last.month - first.month + 1
    months = (first.month - 1 + number for number in range(count))
    return [date(first.year + month // 12, month % 12 + 1, 1) for month in months]
