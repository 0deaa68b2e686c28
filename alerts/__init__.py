"""Findings to alerts to incidents. Pure: no I/O, no clock, no randomness.

`kinds` is the table of what can be found, `lifecycle` decides when a finding is an alert, `incident` what has one
cause, `impact` what it means for the customer's load; `board` is the door: `on_changes` and `on_tick`.
"""
