"""What is usual for each gauge of a device: no knowledge of what a quantity means, only of what it did before.

    gauges.py   which points count, and the hours of a device as rows
    days.py     a day of a gauge in four numbers, and how far it lies outside the weeks before it (numpy)

What must not live here: limits in units, causes, anything that is true of one make or point only.
"""
