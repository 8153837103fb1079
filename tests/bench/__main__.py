"""``python -m tests.bench [ID ...]``: measure, print, write; the exit code says whether all met.

Each figure stands beside that of unmodified KubeSpawner, taken in the same run against the same
API server, since absolute times say little from one machine to the next.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# Importing these registers their benches.
from tests.bench import (
    capacity,
    checks,
    demo_start,
    fallbacks,
    hubs,
    menus,
    panel_server,
    panel_size,
    reflectors,
    spawning,
)
from tests.bench.measures import MEASURES, Measure

REGISTERS = (
    spawning,
    hubs,
    reflectors,
    capacity,
    checks,
    fallbacks,
    menus,
    panel_size,
    panel_server,
    demo_start,
)


async def _measured(item: Measure) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix=f"bench-{item.id}-") as folder:
        figures = await item.run(Path(folder))
    limit = item.goal.limit(figures.peer)
    return {
        "id": item.id,
        "what": item.what,
        "unit": item.unit,
        "ours": round(figures.ours, 3),
        "peer": None if figures.peer is None else round(figures.peer, 3),
        "goal": round(limit, 3),
        "met": figures.ours <= limit,
    }


def _keep(results: list[dict[str, Any]], output: Path) -> None:
    """Write the results over older ones of the same ids; others stay."""
    known: dict[str, dict[str, Any]] = {}
    if output.is_file():
        known = {result["id"]: result for result in json.loads(output.read_text())}
    known.update({result["id"]: result for result in results})
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(list(known.values()), indent=2) + "\n")


async def _main(ids: list[str], output: Path) -> bool:
    results: list[dict[str, Any]] = []
    for id_ in ids:
        began = time.monotonic()
        result = await _measured(MEASURES[id_])
        results.append(result)
        _keep(results, output)
        peer = "" if result["peer"] is None else f", peer {result['peer']}"
        word = "ok  " if result["met"] else "MISS"
        print(
            f"{word} {id_:22} {result['ours']} {result['unit']} (at most {result['goal']}{peer})"
            f"  [{time.monotonic() - began:.0f} s]",
            flush=True,
        )
    return all(result["met"] for result in results)


def main() -> int:
    """Run the benches that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", help="benches to run; all by default")
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"))
    parser.add_argument("--list", action="store_true", help="say which benches there are")
    arguments = parser.parse_args()
    if arguments.list:
        for item in MEASURES.values():
            print(f"{item.id:22} {item.what}")
        return 0
    unknown = sorted(set(arguments.ids) - MEASURES.keys())
    if unknown:
        parser.error(f"no such bench: {', '.join(unknown)}; there are: {', '.join(MEASURES)}")
    met = asyncio.run(_main(arguments.ids or list(MEASURES), arguments.output))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
