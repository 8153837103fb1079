"""The menu, the waiting page, Lab, the home page and the administration tell one story.

For each way in which an image can be at fault, found by a check or at a start: all of them show the
words that `causes` has for it, and those that show the whole story show the same sentence.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from studiolo_hub.admin_images import custom_images, image_rows
from studiolo_hub.admin_overview import Signs, alarms
from studiolo_hub.admin_workspaces import WorkspaceRow
from studiolo_hub.image_report import health_report
from studiolo_hub.workspace_view import view_of
from studiolo_spawner.attempts import Attempt
from studiolo_spawner.catalogue import parse_catalogue
from studiolo_spawner.causes import REASONS, Cause, Kind, cause
from studiolo_spawner.image_health import Check, HealthBook
from studiolo_spawner.menu import build_menu
from studiolo_spawner.offer import Person
from studiolo_spawner.pod import AttemptPod, workspace_document
from studiolo_spawner.progress import fallback_reason, progress_messages
from studiolo_spawner.reference import parse_reference
from studiolo_spawner.verdict import Decision, Verdict
from studiolo_spawner.workspace_state import ImageInUse, WorkspaceState

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
THEN = NOW - timedelta(minutes=5)
CATALOGUE = parse_catalogue(
    """
version: 1
images:
  - {id: torch, display_name: PyTorch, reference: "registry.example/torch:1"}
  - {id: plain, display_name: Plain Python, reference: "registry.example/plain:1"}
profiles: [{id: cpu, display_name: CPU, cpu: 1, memory: 1Gi}]
"""
)
TORCH, PLAIN = CATALOGUE.images
FAULTS = sorted(reason for reason in REASONS if cause(reason).kind is Kind.IMAGE)


def attempts_after(fault: Cause, outcome: Any) -> tuple[Attempt, ...]:
    verdict = Verdict(Decision.FALL_BACK, fault.reason, fault.message, fault.hint)
    first = Attempt(
        "torch", TORCH.reference, None, "trying", "", "", THEN, display_name="PyTorch"
    ).ending(outcome, verdict, THEN)
    second = Attempt(
        "plain", PLAIN.reference, None, "running", "", "", NOW, display_name="Plain Python"
    )
    return first, second


def told_by_lab(attempts: tuple[Attempt, ...]) -> str:
    pod = AttemptPod(
        username="ana",
        image=PLAIN,
        requested=TORCH,
        reference=parse_reference(PLAIN.reference),
        digest=None,
        profile=CATALOGUE.profiles[0],
        home=CATALOGUE.defaults.home,
        claim="home-ana",
        volumes=(),
        spawn_id="1",
        number=2,
        base_url="/",
        fallback_reason=fallback_reason(attempts),
    )
    reason: str = workspace_document(pod, now=NOW)["fallback_reason"]
    return reason


def told_by_home(attempts: tuple[Attempt, ...]) -> str:
    state = WorkspaceState(
        spawn_id="1",
        requested=ImageInUse("torch", "PyTorch"),
        actual=ImageInUse("plain", "Plain Python"),
        attempts=attempts,
    )
    view = view_of(
        name="",
        title="",
        path="ana",
        state="running",
        workspace=state,
        profile=None,
        started=THEN,
        failure="",
        stopped=None,
        now=NOW,
    )
    return view.fallback_reason


@pytest.mark.parametrize("outcome", ["skipped", "failed"])
@pytest.mark.parametrize("reason", FAULTS)
def test_a_start_that_fell_back(reason: str, outcome: str) -> None:
    fault = cause(reason)
    attempts = attempts_after(fault, outcome)
    book = HealthBook()
    book.note_attempt(attempts[0])
    book.note_fallback(attempts[0])

    waiting = " ".join(line.text for line in progress_messages(attempts, None, None, now=NOW))
    lab, home = told_by_lab(attempts), told_by_home(attempts)
    assert waiting == lab == home

    menu = build_menu(CATALOGUE, Person("ana"), problems=book.problems(CATALOGUE.images, NOW))
    (option,) = [each for each in menu.images if each.id == "torch"]
    (row,) = [each for each in image_rows(CATALOGUE.images, book, NOW) if each.id == "torch"]
    assert row.verdict == option.problem
    assert row.fallbacks == "another image was tried instead 1 time, in seven days"
    (entry,) = [each for each in report(book) if each["id"] == "torch"]
    assert entry["problem"] == option.problem
    (failure,) = entry["failures"]
    (alarm,) = alarms(signs(book), NOW)
    assert alarm.text == option.problem

    everywhere = {
        "waiting page": waiting,
        "menu": option.problem or "",
        "administration": row.verdict,
        "administration, its failures": row.failures[0].message,
        "JSON": failure["message"],
        "overview": alarm.text,
    }
    assert [place for place, text in everywhere.items() if fault.message not in text] == []
    if reason != "out_of_memory":  # of that a bigger profile is the cure as often as an image
        assert fault.hint in lab


@pytest.mark.parametrize("reason", FAULTS)
def test_a_check_that_failed(reason: str) -> None:
    fault = cause(reason)
    book = HealthBook()
    verdict = Verdict(Decision.FALL_BACK, fault.reason, fault.message, fault.hint)
    book.note_check(TORCH, Check(THEN, verdict, None))
    menu = build_menu(CATALOGUE, Person("ana"), problems=book.problems(CATALOGUE.images, NOW))
    (option,) = [each for each in menu.images if each.id == "torch"]
    row = image_rows(CATALOGUE.images, book, NOW)[0]
    assert (row.id, row.standing) == ("torch", "bad")
    assert row.verdict == option.problem
    assert fault.message in row.verdict
    assert row.next_step
    (alarm,) = alarms(signs(book), NOW)
    assert (alarm.text, alarm.next_step) == (row.verdict, row.next_step)


def test_good_and_unknown_images_are_told_apart() -> None:
    book = HealthBook()
    assert [row.standing for row in image_rows(CATALOGUE.images, book, NOW)] == ["unchecked"] * 2
    good = Verdict(Decision.ACCEPTED, "found", "The image is there.")
    away = Verdict(Decision.UNKNOWN, "registry_away", "The registry does not answer.")
    book.note_check(TORCH, Check(THEN, good, "sha256:" + "0" * 64))
    book.note_check(PLAIN, Check(THEN, away, None))
    rows = image_rows(CATALOGUE.images, book, NOW)
    assert [(row.id, row.standing) for row in rows] == [("plain", "unknown"), ("torch", "good")]
    assert rows[0].checked == "5 minutes ago"
    assert rows[0].next_step
    assert alarms(signs(book), NOW) == ()


def test_images_that_people_named_themselves() -> None:
    row = WorkspaceRow(
        user="ana",
        name="",
        title="",
        state="running",
        image_id="custom-image",
        image="mine",
        requested_image="",
        reason="",
        profile_id="cpu",
        profile="CPU",
        started=None,
        last_activity=None,
        end="",
        path="ana",
        reference="registry.example/ana/mine:1",
    )
    rows = [
        row,
        replace(row, user="ben", state="failed"),
        replace(row, user="cara", image_id="torch", reference=TORCH.reference),
        replace(row, user="dan", image_id="", reference=""),
    ]
    (seen,) = custom_images(rows, CATALOGUE.images)
    assert (seen.reference, seen.people, seen.failed) == (row.reference, ("ana", "ben"), 1)


def report(book: HealthBook) -> list[dict[str, Any]]:
    images: Any = health_report(CATALOGUE.images, book, NOW)["images"]
    entries: list[dict[str, Any]] = images
    return entries


def signs(book: HealthBook) -> Signs:
    return Signs(
        problem=None,
        has_catalogue=True,
        images=image_rows(CATALOGUE.images, book, NOW),
        silent_seconds=None,
        cluster_away=False,
        capacity_known=None,
        sign_in_away=False,
        workspaces=(),
        gpus=None,
    )
