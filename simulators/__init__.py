"""Simulated sites on real wires: battery physics, UPS and switch state machines, four protocols, wire faults.

Reading order: `battery` → `ups`, `switch` (pure: state, dt -> state) → `world` (all of them on one story
line) → `huawei`/`megatec`/`rfc1628`/`if_mib` (what a device says, pure) → `modbus`, `envelope`, `v3`, `traps` (in
which words, pure) → `faults`, `spoil`, `line_clock` (what the line makes of it, pure) → `serve` (opens the wires).
Nothing here knows the agent: the register maps are typed from the vendors' facts a second time, so that a
mistake in a profile cannot agree with itself. Only `clock` reads the wall.
"""
