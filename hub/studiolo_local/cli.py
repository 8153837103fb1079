"""The command `studiolo-local`: the demo and its parts, each on its own. I/O: runs one of them."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; gives the exit status."""
    top = parser()
    given, rest = top.parse_known_args(arguments)
    if rest and given.command != "cluster":
        top.error(f"unrecognised: {' '.join(rest)}")
    logging.basicConfig(level=logging.INFO, format="%(levelname).1s %(name)s: %(message)s")
    # Each part imports only what it needs: a start that a person waits for is not to load the rest.
    match given.command:
        case "cluster":
            from studiolo_local.cluster import main as run_cluster

            return run_cluster(rest)
        case "demo":
            from studiolo_local.demo.run import main as run_demo

            return run_demo(given.port, given.data, neighbours=given.neighbours)
        case "signin":
            from studiolo_local.signin.provider import SigninSettings, serve

            serve(SigninSettings.model_validate_json(given.settings.read_bytes()))
    return 0


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    top = argparse.ArgumentParser(
        prog="studiolo-local",
        description="Studiolo on one machine: for a first look, development and tests.",
    )
    commands = top.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="all of Studiolo on this machine, until Ctrl-C")
    demo.add_argument("--port", type=_port, default=8000, help="the next free one if it is taken")
    demo.add_argument("--data", type=Path, default=Path(".demo"), help="where everything is kept")
    demo.add_argument(
        "--neighbours",
        action="store_true",
        help="another team's pods (simulated) hold some of the simulated GPUs",
    )
    commands.add_parser("cluster", help="only the embedded cluster", add_help=False)
    signin = commands.add_parser("signin", help="only the local sign-in")
    signin.add_argument("--settings", type=Path, required=True, help="its settings (JSON)")
    return top


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 1 to 65535")
    return int(text)
