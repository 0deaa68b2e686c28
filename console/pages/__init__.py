"""The routes, one subject a file. A new page is a file with a `router`, a template, and a line here."""

from __future__ import annotations

from fastapi import APIRouter

from console.pages import (
    account,
    casework,
    devices,
    fieldwork,
    incidents,
    knowledge,
    live,
    overview,
    recordings,
    series,
    session,
    tickets,
    verdicts,
)

ROUTERS: tuple[APIRouter, ...] = (
    session.router,
    account.router,
    overview.router,
    incidents.router,
    tickets.router,
    casework.router,
    fieldwork.router,
    knowledge.router,
    verdicts.router,
    devices.router,
    recordings.router,
    series.router,
    live.router,
)
