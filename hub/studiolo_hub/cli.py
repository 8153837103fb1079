"""The command `studiolo`: check a catalogue and its images, try an installation. I/O.

    studiolo catalogue check FILE    exit 0: the hub would take it; 1: every problem is told
    studiolo catalogue probe [FILE]  exit 0: every image can be pulled; 1: some cannot, or nobody
                                     knows; 2: the catalogue or the settings cannot be read
    studiolo catalogue schema        the JSON schema, for editors and for the chart
    studiolo catalogue example       a catalogue to start from
    studiolo try URL                 sign in, start a workspace and stop it, as `helm test` does;
                                     exit 0: all that could be tried works; 1: something does not

The check is the hub's own parser and the probe its own image check: what passes here is taken over
there. A wrong command line exits 2.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from studiolo_spawner.catalogue import MAX_BYTES, Catalogue, catalogue_schema, parse_catalogue
from studiolo_spawner.errors import CatalogueError, Problem

from studiolo_hub.probe_command import UNUSABLE, run_probe, settings_of
from studiolo_hub.settings import Workspaces
from studiolo_hub.settings_file import PATH_VARIABLE, SettingsError, load_workspaces
from studiolo_hub.tryout import Person, TryFailed, try_out

TRY_VARIABLES = ("STUDIOLO_TRY_LOGIN", "STUDIOLO_TRY_PASSWORD")
"""Who signs in: never on a command line, which others on the machine can read."""

_EXAMPLE = files("studiolo_spawner").joinpath("data", "example-catalogue.yaml")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    arguments = _parser().parse_args(argv)
    if arguments.topic == "try":
        return _try(arguments)
    if arguments.command == "check":
        return _check(arguments.file)
    if arguments.command == "probe":
        return _probe(arguments)
    if arguments.command == "schema":
        print(json.dumps(catalogue_schema(), indent=2, ensure_ascii=False))
    else:
        print(_EXAMPLE.read_text(encoding="utf-8"), end="")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="studiolo", description="Studiolo for administrators.")
    topics = parser.add_subparsers(dest="topic", required=True, metavar="TOPIC")
    trying = topics.add_parser("try", help="sign in at an installation and start a workspace")
    trying.add_argument("url", metavar="URL", help="the address that people use")
    trying.add_argument("--inside", metavar="URL", help="reach it here instead, without TLS")
    trying.add_argument(
        "--patience", metavar="SECONDS", type=float, default=600, help="for the start; default 600"
    )
    catalogue = topics.add_parser("catalogue", help="the catalogue of images and GPU profiles")
    commands = catalogue.add_subparsers(dest="command", required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="tell every problem of a catalogue")
    check.add_argument("file", metavar="FILE", help="the YAML file; - reads standard input")
    probe = commands.add_parser("probe", help="ask the registries about every image of a catalogue")
    probe.add_argument(
        "file", metavar="FILE", nargs="?", help="the YAML file; by default the one of the settings"
    )
    probe.add_argument(
        "--settings",
        metavar="FILE",
        default=os.environ.get(PATH_VARIABLE),
        help=f"the hub's settings, for its registries; by default what {PATH_VARIABLE} names",
    )
    probe.add_argument(
        "--registry",
        metavar="HOST=URL",
        action="append",
        default=[],
        help="ask HOST at URL instead; may be given more than once",
    )
    probe.add_argument(
        "--record",
        action="store_true",
        help="also write what was found where the hub keeps the health of images",
    )
    probe.add_argument(
        "--namespace",
        metavar="NAME",
        help="the hub's namespace, for --record; by default the one of the settings",
    )
    probe.add_argument("--json", action="store_true", help="print JSON instead of a table")
    commands.add_parser("schema", help="print the JSON schema of a catalogue")
    commands.add_parser("example", help="print a catalogue to start from")
    return parser


def _try(arguments: argparse.Namespace) -> int:
    login, password = (os.environ.get(name, "") for name in TRY_VARIABLES)
    person = Person(login, password) if login and password else None
    inside = arguments.inside or arguments.url
    try:
        asyncio.run(try_out(arguments.url, inside, person, patience=arguments.patience, tell=_told))
    except TryFailed as failed:
        _told(f"BAD   {failed}")
        return 1
    return 0


def _told(line: str) -> None:
    print(line, flush=True)


def _check(name: str) -> int:
    source = _source(name)
    try:
        catalogue = _catalogue(name)
    except CatalogueError as error:
        problems = error.problems
    else:
        print(f"{source}: good ({_size(catalogue)})")
        return 0
    for problem in problems:
        print(_worded(source, problem))
    count = len(problems)
    counted = f"{count} problem{'s' if count != 1 else ''}"
    print(f"{source}: {counted}; the hub would keep the last good catalogue")
    return 1


def _probe(arguments: argparse.Namespace) -> int:
    try:
        workspaces = load_workspaces(arguments.settings) if arguments.settings else Workspaces()
        name = arguments.file or str(workspaces.catalogue_path)
        catalogue = _catalogue(name)
        registries = settings_of(workspaces.registries, arguments.registry)
    except (CatalogueError, SettingsError) as error:
        for problem in error.problems:
            print(_worded(error.source, problem), file=sys.stderr)
        return UNUSABLE
    except ValueError as error:
        print(f"studiolo: {error}", file=sys.stderr)
        return UNUSABLE
    namespace = (arguments.namespace or workspaces.namespace) if arguments.record else None
    return run_probe(
        catalogue, registries, source=_source(name), json_=arguments.json, namespace=namespace
    )


def _catalogue(name: str) -> Catalogue:
    """Raise CatalogueError for every reason for which there is none."""
    source = _source(name)
    try:
        content = _content(name)
    except OSError as error:
        told = f"the file cannot be read: {error.strerror or error}"
        hint = "name a file that exists and that you may read"
        raise CatalogueError([Problem("", told, hint)], source=source) from None
    return parse_catalogue(content, source=source)


def _source(name: str) -> str:
    return "standard input" if name == "-" else name


def _content(name: str) -> bytes:
    """At most one octet too many: the parser then says that the file is too large."""
    if name == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _worded(source: str, problem: Problem) -> str:
    """`FILE:LINE: path: what is wrong`, as compilers write it, so that editors find the place."""
    place = source if problem.line is None else f"{source}:{problem.line}"
    path = f" {problem.path}:" if problem.path else ""
    hint = f"\n    {problem.hint}" if problem.hint else ""
    return f"{place}:{path} {problem.message}{hint}"


def _size(catalogue: Catalogue) -> str:
    counted = [
        (len(catalogue.images), "image"),
        (len(catalogue.profiles), "profile"),
        (len(catalogue.volumes), "shared volume"),
    ]
    return ", ".join(f"{count} {name}{'s' if count != 1 else ''}" for count, name in counted)
