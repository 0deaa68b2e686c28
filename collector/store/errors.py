"""What can be wrong with the centre's database as a whole."""

from __future__ import annotations


class StoreError(Exception):
    """The database cannot be used, and trying again would not mend it. The message says why and what to do."""


class StoreWaits(StoreError):
    """Nothing is wrong with the database itself: the disk is full, the folder cannot be written, the server is away."""


class StoreTaken(StoreError):
    """Another collector runs on this folder or database: two would judge and call twice."""
