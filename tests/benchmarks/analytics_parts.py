"""A part of each large public set, laid out like the whole, for `analytics_table --quick`. Each takes (whole, spare) and gives the part's folder."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path


def _every_nth(pattern: str, nth: int) -> Callable[[Path, Path], Path]:
    """Links to every nth file of each folder that `pattern` finds."""

    def part(whole: Path, spare: Path) -> Path:
        folders: dict[Path, list[Path]] = {}
        for path in sorted(whole.glob(pattern)):
            folders.setdefault(path.parent.relative_to(whole), []).append(path)
        for folder, paths in folders.items():
            (spare / folder).mkdir(parents=True, exist_ok=True)
            for path in paths[::nth]:
                (spare / folder / path.name).symlink_to(path.resolve())
        return spare

    return part


def _nab(whole: Path, spare: Path) -> Path:
    labels = json.loads((whole / "labels" / "combined_windows.json").read_text())
    some = dict(sorted(labels.items())[::4])
    for name in some:
        (spare / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (spare / "data" / name).symlink_to((whole / "data" / name).resolve())
    (spare / "labels").mkdir()
    (spare / "labels" / "combined_windows.json").write_text(json.dumps(some))
    return spare


def _vrla(whole: Path, spare: Path) -> Path:
    """Every second block: fewer would leave a cohort too small to fit."""
    spare.mkdir()
    (spare / "discharge_curves.csv.gz").symlink_to((whole / "discharge_curves.csv.gz").resolve())
    lines = (whole / "blocks.csv").read_text().splitlines()
    (spare / "blocks.csv").write_text("\n".join([lines[0], *lines[1::2]]) + "\n")
    return spare


def _xjtu(whole: Path, spare: Path) -> Path:
    """Every third cell, every second charge."""
    spare.mkdir()
    with gzip.open(whole / "train_42cells.csv.gz", "rt") as file:
        table = csv.DictReader(file)
        rows, names = list(table), list(table.fieldnames or ())
    cells = set(sorted({row["cell"] for row in rows})[::3])
    with gzip.open(spare / "train_42cells.csv.gz", "wt", compresslevel=1) as out:
        writer = csv.DictWriter(out, names)
        writer.writeheader()
        writer.writerows([row for row in rows if row["cell"] in cells][::2])
    return spare


PARTS: dict[str, Callable[[Path, Path], Path]] = {
    "nab": _nab,
    "tsbad": _every_nth("[UM]/*.csv", 6),
    "skab": _every_nth("data/*/*.csv", 4),
    "vrla": _vrla,
    "xjtu": _xjtu,
}
