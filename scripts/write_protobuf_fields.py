"""Write `protobuf_fields.json` of the embedded Kubernetes API from Kubernetes' Go sources.

client-go sends typed objects as protobuf; the struct tags of its types say which number is which
field. Run it with the folders of the Go modules k8s.io/api and k8s.io/apimachinery:

    python scripts/write_protobuf_fields.py API_FOLDER APIMACHINERY_FOLDER
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

API = Path(__file__).parents[1] / "hub" / "studiolo_local" / "api"
TARGET = API / "protobuf_fields.json"

_STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(
    r'^\s+(?P<go>[^`/]+?)\s+`json:"(?P<json>[^",]*)[^"]*".*? protobuf:"\w+,(?P<number>\d+),'
)
_RENAMED = {
    "CoreV1EventSeries": "EventSeries",
    "CoreV1ResourceClaim": "ResourceClaim",
    "RbacV1Subject": "Subject",
}
"""Types that the client calls otherwise, because another group has one of the same name."""


def main(api: Path, machinery: Path) -> None:
    """Read the sources and write the table."""
    structs: dict[str, str] = {}
    for file in (
        api / "networking" / "v1" / "types.go",
        api / "rbac" / "v1" / "types.go",
        api / "policy" / "v1" / "types.go",
        api / "core" / "v1" / "types.go",
        # The last wins: the core group has leftovers under names of these.
        machinery / "pkg" / "apis" / "meta" / "v1" / "types.go",
    ):
        structs |= dict(_STRUCT.findall(file.read_text()))
    structs |= {ours: structs[theirs] for ours, theirs in _RENAMED.items()}
    schema: dict[str, dict[str, str]] = json.loads((API / "schema.json").read_text())
    table: dict[str, dict[str, str]] = {}
    waiting = sorted(name for name in schema if name in structs)
    while waiting:
        name = waiting.pop()
        table[name], inlined = _fields(structs[name])
        waiting += [each for each in inlined if each not in table]
    text = json.dumps(dict(sorted(table.items())), indent=1)
    TARGET.write_text(text + "\n")
    missing = sorted(set(schema) - set(structs))
    sys.stdout.write(f"{TARGET.name}: {len(table)} types; not in the sources: {missing}\n")


def _fields(body: str) -> tuple[dict[str, str], list[str]]:
    """Return a struct's fields by number, and the structs whose fields it has as its own.

    A field is its JSON name; `*` before it marks one that is told from nothing even when it is
    zero, and `@Name` stands for the fields of another struct.
    """
    fields: dict[str, str] = {}
    inlined = []
    for match in filter(None, map(_FIELD.match, body.splitlines())):
        go = match["go"].split()
        if not match["json"]:
            inlined.append(go[-1].rpartition(".")[2])
            fields[match["number"]] = f"@{inlined[-1]}"
            continue
        mark = "*" if go[-1].startswith("*") else ""
        fields[match["number"]] = mark + match["json"]
    return fields, inlined


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
