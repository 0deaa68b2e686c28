"""Start an agent at once: what a service manager runs on a small machine is spared the command line's parser.

Rules. `roundsman agent FILE.toml` and nothing else goes this way; every other wording is read by `roundsman.cli`, which
ends here too. What the imports made lives as long as the agent: the garbage collector is kept from looking at it.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path

from model.timescale import REAL, TimeScale
from roundsman import __version__

#: Objects that may be made before the collector looks at the youngest; a round of a thousand devices makes some ten thousand.
_YOUNGEST = 20_000


def start(file: Path, scale: TimeScale, enrol_code: str | None = None) -> int:
    """Run the agent of a file. Returns the exit code."""
    gc.disable()
    from agent.running import main
    from roundsman import logs

    gc.freeze()
    gc.set_threshold(_YOUNGEST, 20, 20)
    gc.enable()
    logs.configure()
    return main(file, scale, enrol_code=enrol_code, version=__version__)


def file_of(words: Sequence[str]) -> Path | None:
    """The file, where the words after `roundsman` are the plain `agent FILE.toml`.

    >>> file_of(["agent", "site.toml"]), file_of(["agent", "status"]), file_of(["agent", "-h.toml"])
    (PosixPath('site.toml'), None, None)
    """
    plain = len(words) == 2 and words[0] == "agent" and words[1].endswith(".toml") and not words[1].startswith("-")
    return Path(words[1]) if plain else None


def plain(words: Sequence[str]) -> int | None:
    """Run the agent that the words name; None when they have to be parsed."""
    file = file_of(words)
    return None if file is None else start(file, REAL)
