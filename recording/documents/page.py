"""The minutes as one HTML file that needs nothing else: read on a screen, or printed as the official form."""

from functools import cache
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from recording.documents.content import Content


def render_html(content: Content) -> bytes:
    """Lay the document out. What people typed is escaped, and is data, never a template."""
    return _template().render(content=content).encode()


@cache
def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    environment = ImmutableSandboxedEnvironment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return environment.get_template("minutes.html")
