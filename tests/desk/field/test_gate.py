"""Nobody but desk/consent.py can make a Permit: read off the whole tree, and tried."""

from __future__ import annotations

import ast
import dataclasses
import pickle
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from desk.consent import Permit

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("roundsman", "model", "agent", "collector", "analytics", "alerts", "desk", "console", "simulators")
GATE = ROOT / "desk" / "consent.py"


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            if path != GATE and ("Permit" in source or "_SEAL" in source):
                yield path, ast.parse(source)


def names(node: ast.AST) -> set[str]:
    """Every name and attribute that an expression mentions."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} | {
        n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)
    }


def makings(tree: ast.AST) -> list[int]:
    """The lines that call Permit, hand it to something that could build one, inherit from it or touch its seal."""
    found = []
    for node in ast.walk(tree):
        calls = isinstance(node, ast.Call) and (
            "Permit" in names(node.func)
            or (
                names(node.func) & {"convert", "decode", "replace", "partial"}
                and any("Permit" in names(a) for a in node.args)
            )
        )
        inherits = isinstance(node, ast.ClassDef) and any("Permit" in names(base) for base in node.bases)
        if calls or inherits or (isinstance(node, ast.Attribute | ast.Name) and "_SEAL" in names(node)):
            found.append(node.lineno)  # type: ignore[attr-defined]
    return found


def test_no_other_module_makes_a_permit() -> None:
    guilty = {str(path.relative_to(ROOT)): lines for path, tree in sources() if (lines := makings(tree))}
    assert guilty == {}


@pytest.mark.parametrize(
    "trick",
    [
        "Permit(device='d')",
        "consent.Permit(device='d')",
        "desk.consent.Permit.__new__(object)",
        "msgspec.convert({}, Permit)",
        "replace(Permit, device='x')",
        "class Mine(Permit): pass",
        "consent._SEAL",
    ],
)
def test_the_reader_sees_the_tricks(trick: str) -> None:
    assert makings(ast.parse(trick))


def test_a_permit_made_by_hand_is_refused() -> None:
    with pytest.raises(TypeError, match=r"only desk\.consent"):
        Permit(device="d", scope="s", ticket=None, consents=(), documents=(), granted_at=0, until=None, seal=object())


def test_a_permit_cannot_be_changed_into_another() -> None:
    from desk import consent

    held = Permit(
        device="d", scope="s", ticket=None, consents=(), documents=(), granted_at=0, until=None, seal=consent._SEAL
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        held.device = "other"  # type: ignore[misc]
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(held, device="other")
    with pytest.raises((TypeError, msgspec.ValidationError)):
        msgspec.convert(dataclasses.asdict(held), Permit)
    assert pickle.loads(pickle.dumps(held)) == held  # a copy is the same leave
