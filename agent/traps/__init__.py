"""Traps and informs: what a device says without being asked. A hint to look at once, hardly ever a fact.

    0.0.0.0:162 ─ receiver (a child process: gate, pysnmp) ─ JSON lines ─> ears ─> desk ─ nudge ─> the link's rounds
                                                                            └ event, in need a SUSPECT reading ─> Backlog

Rules. The port is open to anyone, so the process that reads it has no spool and no lines: it may be killed, flooded or
broken without a round being late. A datagram may be forged, so a trap makes the agent ask, and the answer counts: one fault
is one alert, whichever way it came. Only a device that gives no answer is taken at its last word, and only when that word
was authenticated. Why: docs/decisions/0007.

    settings  the table `[traps]` of the agent's file (pure)      gate      who may be decoded at all, and how often (pure)
    message   what goes over the pipe (pure)                      community v1 and v2c datagrams, with pysnmp's codecs (pure)
    usm       v3, with pysnmp's engine                            receiver  the child; port its sockets
    meaning   trap and varbinds -> points, by profile (pure)      desk      attribution, nudges, last words (pure)
    addresses whose address is whose (DNS)                       own_engine what senders of informs remember of us
    ears      the parent's end: starts the child, restarts it
"""
