"""What the command puts onto a centre: the console's pages, and work that only the rooms above the collector can do."""

from __future__ import annotations

import asyncio
from importlib import import_module

from fastapi import FastAPI

from collector.running import Running
from collector.upkeep import Chore
from console.app import mount as mount_console

_DRAFT_S = 300.0


def mount(app: FastAPI, centre: Running) -> None:
    """Before the centre starts."""
    mount_console(app, centre)
    centre.chores.append(Chore("drafting", _DRAFT_S, _draft))


async def _draft(centre: Running) -> None:
    """Reports that are due. The makers of papers are loaded when first needed, and not in the loop that listens."""
    due_reports = await asyncio.to_thread(import_module, "roundsman.due_reports")
    await due_reports.turn(centre)
