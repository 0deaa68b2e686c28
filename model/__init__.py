"""The shared words of Roundsman: types only.

What lives here: the frozen types that cross a room's border (readings, gaps, batches, findings, the
inventory), the dictionary of points, and pure helpers to read them. What must not: I/O, clocks,
randomness, anything that waits. Every other package imports this one; it imports none of them.
"""
