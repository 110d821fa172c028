"""A reader of pages, who is strict about their form and notes what they lead to and load."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br", "line", "circle", "polyline", "link", "input"}


class Page(HTMLParser):
    """A page.

    Attributes:
        links: Targets of its links.
        loaded: Addresses that a browser fetches to show it.
        scripts: Those that it runs; pages of the dashboard have no inline scripts, and reports have no others.
        text: Its visible text.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.scripts: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opened."""
        if tag not in VOID:
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href" and tag == "a"]
        self.loaded += [value or "" for name, value in attrs if name == "src" or (name == "href" and tag != "a")]
        if tag == "script" and dict(attrs).get("src"):
            self.scripts.append(dict(attrs)["src"] or "")

    def handle_endtag(self, tag: str) -> None:
        """Closed."""
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opened and closed at once."""

    def handle_data(self, data: str) -> None:
        """Said."""
        self.text += data
