"""Mathematics of the slow faults of network gear. Pure; every state is plain data.

`track` one normalised quantity against what it was when it was learned · `counts` what counters added in each hour, restarts and wraps apart ·
`fill` a share that fills up day by day, and when it is full.
"""
