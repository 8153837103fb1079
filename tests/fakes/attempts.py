"""Attempts for tests: one that goes on, one verdict, and any at all."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st
from studiolo_spawner.attempts import Attempt
from studiolo_spawner.verdict import Decision, Verdict

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TRYING = Attempt(
    image_id="pytorch",
    reference="registry.example/ml/pytorch:2.9",
    digest=None,
    outcome="trying",
    reason="",
    message="",
    started=START,
    display_name="PyTorch 2.9",
)
MISSING = Verdict(Decision.FALL_BACK, "image_missing", "It is not there.", "Ask somebody.")

texts = st.text(max_size=100)
moments = st.datetimes(timezones=st.just(UTC))
any_attempt = st.builds(
    Attempt,
    image_id=st.text(min_size=1, max_size=60),
    reference=texts,
    digest=st.none() | st.text(min_size=1, max_size=100),
    outcome=st.sampled_from(["trying", "running", "failed", "skipped"]),
    reason=texts,
    message=texts,
    started=moments,
    ended=st.none() | moments,
    display_name=texts,
    hint=texts,
)
