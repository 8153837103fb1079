"""Commands of the system, and what they say when they fail. I/O."""

from __future__ import annotations

import subprocess


def run(*words: str) -> str:
    """Run a command; what it said. Raises AssertionError with what it said when it fails."""
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def attempt(*words: str) -> str:
    """Run a command that may fail, as one that removes what need not be there; what it said."""
    return subprocess.run(words, check=False, capture_output=True, text=True).stdout
