"""`roundsman`, the command, and `python -m roundsman`, which `run` and `demo` use for their children."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command; its number is the exit status."""
    from roundsman.agent_start import plain

    try:
        status = plain(sys.argv[1:])
        if status is None:
            from roundsman.cli import app

            status = app(result_action="return_value")
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has seen enough; what is still buffered has nowhere to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)


if __name__ == "__main__":
    main()
