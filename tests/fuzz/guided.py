"""One target under atheris: started by `tests.fuzz.run` where atheris is installed."""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-not-found]

with atheris.instrument_imports(include=["agent", "model", "simulators"]):
    from tests.fuzz.targets import TARGETS


if __name__ == "__main__":
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, TARGETS[name].run)
    atheris.Fuzz()
