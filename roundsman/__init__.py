"""The command: CLI and wiring, nothing else. The only package that may import all the others."""

__version__ = "0.1.0"
