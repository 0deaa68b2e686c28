"""Shared mathematics of detectors that watch hours, days and months. Pure; every state is plain data (lists, numbers).

`frames` a bundle of hours, one at a time · `days` hours rolled to days · `level` medians and what is usual around them ·
`profile` what is usual at this hour of the day and kind of day · `trend` a slope with its error and when a limit is reached ·
`rate` has a count risen? · `persistence` small shifts that stay · `line` a quantity at the same load · `episodes` raise, change, clear.

Functions that are given a state and give one back never change the one given; those that say "of the caller's own" do.
"""
