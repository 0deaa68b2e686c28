"""A slave of libmodbus (the C library of mbpoll and of NUT's Modbus drivers), in a process of its own.

    with libmodbus.serving("tcp", registers={100: [1, 2, 3]}) as place:     # host:port, or the path of a pty

It keeps four tables, each one stretch from its lowest address on, and answers anything else with exception 2.
"""

from __future__ import annotations

import ctypes
import json
import os
import pty
import select
import socket
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

_LIBRARY = "libmodbus.so.5"
_TABLES = ("bits", "inputs", "registers", "input_registers")
_LONGEST = 260
BAUD = 115200


@contextmanager
def serving(kind: str, unit: int = 1, **tables: Mapping[int, Sequence[int]]) -> Iterator[str]:
    """Where the slave is reached: `host:port` for "tcp", a path for "rtu". `tables`: {first address: values}."""
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        from tests.services import missing

        missing(f"{_LIBRARY} is not installed (Debian package libmodbus5): tests/services/install.sh installs it")
    held = {name: [(start, list(values)) for start, values in table.items()] for name, table in tables.items()}
    order = json.dumps({"kind": kind, "unit": unit, "tables": held})
    child = subprocess.Popen(
        [sys.executable, __file__, order], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout
        place = child.stdout.readline().strip()
        assert place, "the libmodbus slave did not start"
        yield place
    finally:
        child.kill()
        child.communicate()


class _Mapping(ctypes.Structure):
    """modbus_mapping_t (modbus.h)."""

    _fields_ = (
        ("nb_bits", ctypes.c_int),
        ("start_bits", ctypes.c_int),
        ("nb_input_bits", ctypes.c_int),
        ("start_input_bits", ctypes.c_int),
        ("nb_input_registers", ctypes.c_int),
        ("start_input_registers", ctypes.c_int),
        ("nb_registers", ctypes.c_int),
        ("start_registers", ctypes.c_int),
        ("bits", ctypes.POINTER(ctypes.c_uint8)),
        ("inputs", ctypes.POINTER(ctypes.c_uint8)),
        ("input_registers", ctypes.POINTER(ctypes.c_uint16)),
        ("registers", ctypes.POINTER(ctypes.c_uint16)),
    )


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(_LIBRARY, use_errno=True)
    for name in ("modbus_new_tcp", "modbus_new_rtu"):
        getattr(library, name).restype = ctypes.c_void_p
    library.modbus_mapping_new_start_address.restype = ctypes.POINTER(_Mapping)
    return library


def _mapping(library: ctypes.CDLL, tables: dict[str, list[tuple[int, list[int]]]]) -> ctypes.Array[_Mapping]:
    first = {name: min((start for start, _ in tables.get(name, [])), default=0) for name in _TABLES}
    last = {name: max((start + len(values) for start, values in tables.get(name, [])), default=0) for name in _TABLES}
    spans = [number for name in _TABLES for number in (first[name], last[name] - first[name])]
    mapping = library.modbus_mapping_new_start_address(*spans)
    for name, stretches in tables.items():
        held = getattr(mapping.contents, name)
        for start, values in stretches:
            for n, value in enumerate(values):
                held[start - first[name] + n] = value
    return mapping  # type: ignore[no-any-return]


def _serve_tcp(library: ctypes.CDLL, mapping: ctypes.Array[_Mapping]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    context = ctypes.c_void_p(library.modbus_new_tcp(b"127.0.0.1", port))
    listening = ctypes.c_int(library.modbus_tcp_listen(context, 4))
    print(f"127.0.0.1:{port}", flush=True)
    while library.modbus_tcp_accept(context, ctypes.byref(listening)) >= 0:
        _answer(library, context, mapping)


def _serve_rtu(library: ctypes.CDLL, mapping: ctypes.Array[_Mapping], unit: int) -> None:
    """libmodbus at one pty, the agent at another, the bytes carried between."""
    (near, slave), (far, path) = pty.openpty(), pty.openpty()
    for fd in (near, slave, far, path):
        tty.setraw(fd)
    threading.Thread(target=_carry, args=(near, far), daemon=True).start()
    context = ctypes.c_void_p(library.modbus_new_rtu(os.ttyname(slave).encode(), BAUD, ctypes.c_char(b"N"), 8, 1))
    library.modbus_set_slave(context, unit)
    assert library.modbus_connect(context) == 0
    print(os.ttyname(path), flush=True)
    while True:
        _answer(library, context, mapping)


def _answer(library: ctypes.CDLL, context: ctypes.c_void_p, mapping: ctypes.Array[_Mapping]) -> None:
    """Until the peer is gone; a request for another unit, or a garbled one, is passed over."""
    request = (ctypes.c_uint8 * _LONGEST)()
    while (size := library.modbus_receive(context, request)) >= 0:
        if size:
            library.modbus_reply(context, request, size, mapping)


def _carry(one: int, other: int) -> None:
    while True:
        for fd in select.select([one, other], [], [])[0]:
            os.write(other if fd == one else one, os.read(fd, 4096))


def main() -> None:
    order = json.loads(sys.argv[1])
    library = _library()
    mapping = _mapping(library, order["tables"])
    if order["kind"] == "tcp":
        _serve_tcp(library, mapping)
    else:
        _serve_rtu(library, mapping, order["unit"])


if __name__ == "__main__":
    main()
