"""`roundsman`, the command, and `python -m roundsman`, which `run` and `demo` use for their children."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; its number is the exit status."""
    from roundsman.cli import app

    sys.exit(app(result_action="return_value"))


if __name__ == "__main__":
    main()
