"""`roundsman demo`: simulated sites, agents, collector, desk and console on one machine, with a story.

What lives here: setting the stage (files and child processes), watching what the centre makes of it, and
judging it at the end. What must not: any shortcut between the rooms. The simulators speak on real wires,
the agents keep real spools and post over loopback HTTP; this package only starts them and looks.
"""

from pathlib import Path

#: The scenario that the story's expectations (`story.py`) belong to.
DEMO_SCENARIO = Path(__file__).resolve().parents[2] / "simulators" / "scenarios" / "demo.toml"
