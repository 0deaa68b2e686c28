"""Findings from readings. Pure: no I/O, no clock, no randomness.

`detector` is the contract, `detectors/` holds one idea a file, `watch` dispatches batches to them, `agents`
finds sites whose agent is silent, `replay` runs history through the same code.
"""
