"""A page as a browser would take it apart: its elements, and whether it keeps to its own policy."""

from collections import Counter
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "img", "hr"}
# Written without a closing tag in SVG, where the slash closes them.
DRAWN = {"path", "rect", "circle", "line"}


class Html(HTMLParser):
    """Elements in order, each with its attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opens."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opens and closes."""
        assert tag in DRAWN, f"<{tag}/> is not closed in HTML"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Closes what was opened last."""
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> closes another"

    def handle_data(self, data: str) -> None:
        """Text."""
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of all elements of this name."""
        return [attributes for name, attributes in self.elements if name == tag]

    def keeps_to_the_policy(self) -> bool:
        """No script, style or handler of its own; nothing from elsewhere; ids that name one element."""
        for tag, attributes in self.elements:
            assert tag not in ("style", "iframe", "object", "embed", "base"), tag
            assert not [name for name in attributes if name == "style" or name.startswith("on")], (tag, attributes)
            assert tag != "script" or attributes.get("src", "").startswith("/assets/"), attributes
            for name in ("src", "href", "action", "hx-get"):
                target = attributes.get(name, "/")
                assert target.startswith(("/", "#")), (tag, target)
                assert not target.startswith("//"), (tag, target)
        ids = Counter(attributes["id"] for _, attributes in self.elements if "id" in attributes)
        assert all(count == 1 for count in ids.values()), ids
        return True
