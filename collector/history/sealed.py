"""One sealed file: Parquet, one device, one UTC day, sorted by point, index and time.

device point index   strings (dictionary)      at   timestamp, ms UTC
value  float64                                 quality   uint8 (0 good, 1 time estimated, 2 suspect)
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as untyped  # noqa: ICN001  `pa` is the name without types, below
import pyarrow.compute as untyped_compute
import pyarrow.parquet as untyped_parquet

from collector.history import HistoryError
from collector.history.packing import Columns, join
from model.reading import Series

#: pyarrow ships no types: named once here, so that nothing of it leaks into a signature.
pa: Any = untyped
pc: Any = untyped_compute
pq: Any = untyped_parquet

_SCHEMA = pa.schema(
    [
        ("device", pa.dictionary(pa.int32(), pa.string())),
        ("point", pa.dictionary(pa.int32(), pa.string())),
        ("index", pa.dictionary(pa.int32(), pa.string())),
        ("at", pa.timestamp("ms", tz="UTC")),
        ("value", pa.float64()),
        ("quality", pa.uint8()),
    ]
)


def write(path: Path, columns: Columns, names: dict[int, Series]) -> None:
    """Write `columns` (already once, by series and time) and make the file and its name durable."""
    ids, inverse = np.unique(columns.series, return_inverse=True)
    table = pa.table(
        [
            *(_words([names[int(id)][field] for id in ids], inverse) for field in (0, 1, 2)),
            pa.array(columns.at, pa.timestamp("ms", tz="UTC")),
            pa.array(columns.value),
            pa.array(columns.quality),
        ],
        schema=_SCHEMA,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    with draft.open("wb") as file:
        pq.write_table(
            table,
            file,
            compression="zstd",
            use_dictionary=["device", "point", "index", "value", "quality"],
            column_encoding={"at": "DELTA_BINARY_PACKED"},
            row_group_size=64 * 1024,
        )
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync_folder(path.parent)
    _sync_folder(path.parent.parent)


def read(path: Path, series: Series, id: int, start: int, end: int) -> Columns:
    """One series of a file in [start, end). Raises FileNotFoundError when it was replaced meanwhile."""
    device, point, index = series
    wanted = (pc.field("device") == device) & (pc.field("point") == point)
    wanted &= pc.field("index").is_null() if index is None else pc.field("index") == index
    wanted &= (pc.field("at") >= _moment(start)) & (pc.field("at") < _moment(end))
    table = _table(path, ["at", "value", "quality"], wanted)
    at, value, quality = (table.column(i).to_numpy() for i in range(3))
    return Columns(np.full(len(at), id, np.uint32), at.astype("datetime64[ms]").astype(np.int64), value, quality)


def read_all(path: Path, ids: dict[Series, int]) -> Columns:
    """A whole file, for merging late rows into it."""
    table = _table(path, _SCHEMA.names, None)
    if not table.num_rows:
        return join([])
    words = [table.column(i).to_pylist() for i in range(3)]
    series = np.fromiter((ids[key] for key in zip(*words, strict=True)), np.uint32, table.num_rows)
    at, value, quality = (table.column(i).to_numpy() for i in (3, 4, 5))
    return Columns(series, at.astype("datetime64[ms]").astype(np.int64), value, quality)


def read_codes(path: Path) -> tuple[list[Series], Columns]:
    """A whole file as it is sorted, with numbers of its own: `columns.series` counts into the list."""
    table = _table(path, _SCHEMA.names, None).combine_chunks()
    if not table.num_rows:
        return [], join([])
    try:
        point, index = (_codes(table.column(name)) for name in ("point", "index"))
        device = table.column("device")[0].as_py()
    except (pa.ArrowException, KeyError, AttributeError, ValueError) as error:
        raise HistoryError(f"{path}: expected a sealed Parquet file: {error}") from error
    rows = np.flatnonzero(np.r_[True, (np.diff(point[1]) != 0) | (np.diff(index[1]) != 0)])
    number = np.zeros(table.num_rows, np.uint32)
    number[rows[1:]] = 1
    series: list[Series] = [
        (device, point[0][p], None if i < 0 else index[0][i])
        for p, i in zip(point[1][rows].tolist(), index[1][rows].tolist(), strict=True)
    ]
    at = table.column("at").to_numpy().astype("datetime64[ms]").astype(np.int64)
    value, quality = table.column("value").to_numpy(), table.column("quality").to_numpy()
    return series, Columns(np.cumsum(number, dtype=np.uint32), at, value, quality)


def _codes(column: Any) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """A dictionary column as its words and a number a row; -1 where there is none."""
    whole = column.unify_dictionaries().combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    return whole.dictionary.to_pylist(), whole.indices.fill_null(-1).to_numpy().astype(np.int64)


def _table(path: Path, columns: list[str], wanted: Any) -> Any:
    try:
        return pq.read_table(path, columns=columns, filters=wanted, partitioning=None)
    except FileNotFoundError as error:
        raise FileNotFoundError(2, "no such file", str(path)) from error
    except (OSError, pa.ArrowException) as error:
        raise HistoryError(f"{path}: expected a sealed Parquet file: {error}") from error


def _words(words: list[str | None], inverse: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Any:
    dictionary = sorted({word for word in words if word is not None})
    place = {word: i for i, word in enumerate(dictionary)}
    codes = np.array([-1 if word is None else place[word] for word in words], np.int32)[inverse]
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(dictionary, pa.string()))


def _moment(ms: int) -> Any:
    return pa.scalar(ms, pa.timestamp("ms", tz="UTC"))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
