"""Units as a profile writes them: `model.units`, which what is written to the centre uses too."""

from __future__ import annotations

from model.units import Factor, factor, named

__all__ = ["Factor", "factor", "named"]
