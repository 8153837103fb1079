"""The administrators' report of the images' health."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from studiolo_hub.image_report import health_report
from studiolo_spawner.attempts import Attempt
from studiolo_spawner.causes import cause
from studiolo_spawner.image_health import Check, HealthBook
from studiolo_spawner.verdict import Decision, Verdict, verdict_of_cause

from tests.spawner.catalogues import catalogue, image

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
DIGEST = "sha256:" + "1" * 64


def test_what_is_known_is_told_newest_first() -> None:
    known, unknown = catalogue([image("known"), image("unknown")]).images
    book = HealthBook()
    begun = Attempt("known", known.reference, DIGEST, "trying", "", "", NOON)
    book.note_attempt(begun.ending("running", None, NOON))
    crashed = begun.ending("failed", verdict_of_cause(cause("crashed")), NOON + timedelta(hours=1))
    book.note_attempt(crashed)
    book.note_fallback(crashed)
    missing = verdict_of_cause(cause("image_missing"))
    book.note_check(known, Check(NOON + timedelta(hours=2), missing, None))

    report: Any = health_report([known, unknown], book, NOON + timedelta(hours=3))
    assert json.loads(json.dumps(report)) == report
    first, second = report["images"]
    assert first == {
        "id": "known",
        "display_name": "The known",
        "reference": known.reference,
        "problem": "Its last check failed 1 hour ago. The image does not exist in the registry.",
        "last_check": {
            "at": "2026-05-03T14:00:00+00:00",
            "decision": "fall_back",
            "reason": "image_missing",
            "message": "The image does not exist in the registry.",
            "digest": None,
        },
        "last_good": {"digest": DIGEST, "at": "2026-05-03T12:00:00+00:00"},
        "failures": [
            {
                "at": "2026-05-03T14:00:00+00:00",
                "source": "check",
                "reason": "image_missing",
                "message": "The image does not exist in the registry.",
                "digest": None,
                "times": 1,
            },
            {
                "at": "2026-05-03T13:00:00+00:00",
                "source": "start",
                "reason": "crashed",
                "message": "The image started and then stopped with an error.",
                "digest": DIGEST,
                "times": 1,
            },
        ],
        "fallbacks": 1,
    }
    assert (second["problem"], second["last_check"], second["failures"]) == (None, None, [])


def test_a_good_check_is_told() -> None:
    (known,) = catalogue([image("known")]).images
    book = HealthBook()
    book.note_check(known, Check(NOON, Verdict(Decision.ACCEPTED, "found", "It is there."), DIGEST))
    report: Any = health_report([known], book, NOON)
    (entry,) = report["images"]
    assert (entry["problem"], entry["last_check"]["digest"]) == (None, DIGEST)
