"""Start an agent at once: what a service manager runs on a small machine is spared the command line's parser.

Rules. `roundsman agent FILE.toml`, with no more than `--clock` and `--enrol`, goes this way; every other wording is read
by `roundsman.cli`, which ends here too. What the imports made lives as long as the agent: the garbage collector is kept from looking at it.
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


def told(words: Sequence[str]) -> tuple[Path, dict[str, str]] | None:
    """The file and the options, where the words are plainly `agent FILE.toml [--clock C] [--enrol CODE]`.

    >>> told(["agent", "site.toml"]), told(["agent", "site.toml", "--clock", "0:0:1"])
    ((PosixPath('site.toml'), {}), (PosixPath('site.toml'), {'--clock': '0:0:1'}))
    >>> told(["agent", "status"]), told(["agent", "-h.toml"]), told(["agent", "site.toml", "--clock"])
    (None, None, None)
    """
    file, names, values = "".join(words[1:2]), words[2::2], words[3::2]
    plain = words[:1] == ["agent"] and file.endswith(".toml") and not file.startswith("-")
    paired = len(names) == len(values) == len(set(names)) and set(names) <= {"--clock", "--enrol"}
    return (Path(file), dict(zip(names, values, strict=True))) if plain and paired else None


def plain(words: Sequence[str]) -> int | None:
    """Run the agent that the words name; None when they have to be parsed."""
    found = told(list(words))
    if found is None:
        return None
    file, options = found
    try:
        scale = TimeScale.parse(options["--clock"]) if "--clock" in options else REAL
    except ValueError:
        return None  # the command line's parser says what is wrong
    return start(file, scale, options.get("--enrol"))
