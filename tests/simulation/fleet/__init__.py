"""A simulated fleet with a physics of its own, shown to the real detectors, and what they made of it in figures.

    chance truth        random streams by (seed, words); what really is wrong, since when, until when
    place battery gauge the site's room and mains; lead-acid blocks; what a UPS believes of its battery
    ups switch          one device's whole life as series of readings, with its faults
    stream run          the series as blocks through `analytics.watch.step` and the board of `alerts`
    naming score table  which finding is right for which fault; counts with intervals; what is printed

Nothing but `run` imports the detectors: a physics made of the estimators' own equations would agree with their mistakes
(tests/simulation/test_fleet.py checks it). A device is made from (seed, number) alone, so a run can be split anywhere.
"""
