"""What every route needs: the centre, the templates in both languages, the login limiter. One per app."""

from __future__ import annotations

import hashlib
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from collector.centre import Centre
from console.login import Attempts
from console.shown import Shown
from console.viewer import Viewer
from console.words import words
from desk.calendars import zone
from desk.types import EntryKind
from model.reading import Series
from model.text import LANGUAGES, Language, Text

HERE = Path(__file__).resolve().parent
LANGUAGE_COOKIE = "roundsman_language"
_STATIC_NAMES = (
    "app.css",
    "app.js",
    "chart.js",
    "mark.svg",
    "vendor/htmx.min.js",
    "vendor/uplot.min.js",
    "vendor/uplot.min.css",
)


class Context:
    """Kept on `app.state.console`."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.attempts = Attempts()
        self.statics = _statics()
        self._environments = {language: _environment(language) for language in LANGUAGES}

    def language(self, request: Request) -> Language:
        """The reader's."""
        return language_for(request)

    def page(
        self, request: Request, template: str, viewer: Viewer | None, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """A whole page in the reader's language."""
        language = language_for(request)
        now = self.centre.now()
        html = (
            self._environments[language]
            .get_template(template)
            .render(
                viewer=viewer,
                language=language,
                show=Shown(language, now),
                now=now,
                speed=self.centre.scale.speed,
                path=request.url.path,
                here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
                statics=self.statics,
                Entry=EntryKind,
                link=link,
                name_of=name_of,
                moment_field=moment_field,
                service_pages=service_pages,
                **values,
            )
        )
        return HTMLResponse(html, status_code=status)


def service_pages(viewer: Viewer) -> list[tuple[str, Text]]:
    """The second row of tabs: what this viewer may open."""
    return [(at, word) for at, word, staff in _SERVICE if viewer.staff or not staff]


_SERVICE = (
    ("/record", Text("Record", "预测记录"), False),
    ("/planned", Text("Planned work", "计划工作"), False),
    ("/documents", Text("Documents", "文件"), False),
    ("/complaints", Text("Complaints", "投诉建议"), False),
    ("/engineers", Text("Engineers", "工程师"), True),
    ("/faq", Text("What was learned", "知识库"), True),
    ("/policies", Text("Contracts", "合同政策"), True),
    ("/outbox", Text("Outbox", "发件箱"), True),
)


def moment_field(at: int, tz: str) -> str:
    """How `datetime-local` inputs write a moment of the site's clock."""
    return datetime.fromtimestamp(at / 1000, zone(tz)).strftime("%Y-%m-%dT%H:%M")


def link(path: str, **query: object) -> str:
    """A path with those query values that are given."""
    given = {key: value for key, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


def name_of(series: Series) -> str:
    """`battery.charge` or `ups.load#1`: how a series stands in an address."""
    return series[1] if series[2] is None else f"{series[1]}#{series[2]}"


def context(request: Request) -> Context:
    """The console of the app that this request came to."""
    found = request.app.state.console
    assert isinstance(found, Context)
    return found


def language_for(request: Request) -> Language:
    """The reader's choice, else the first of the browser's languages that the house speaks, else English."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    wanted = [part.strip().lower() for part in request.headers.get("accept-language", "").split(",")]
    for candidate in [chosen or "", *wanted]:
        for language in LANGUAGES:
            if candidate.startswith(language):
                return language
    return "en"


def monotonic_s() -> float:
    """For the login limiter, which no step of the wall clock may open."""
    return time.monotonic()


def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(words(language), newstyle=True)  # type: ignore[attr-defined]
    return environment


def _statics() -> dict[str, str]:
    """The address of each file, with a mark of its content: browsers keep it until it changes. Unbuilt ones are left out."""
    found: dict[str, str] = {}
    for name in _STATIC_NAMES:
        path = HERE / "static" / name
        if path.is_file():
            found[name] = f"/static/{name}?{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    return found
