"""Our readings for others' `upsmon`: a server of NUT's protocol that only reads (RFC 9271).

settings   the table `[nut]` of the agent's file (pure)
shown      readings -> variables, and how old they may be (pure)
talk       a line of a client -> the lines of the answer (pure)
serve      connections, their bounds, and nothing else
"""
