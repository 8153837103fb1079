import pytest
from jupyterhub.spawner import SpawnException
from studiolo_hub.error_words import plain_message, words_for_error
from tornado.httpclient import HTTPClientError
from tornado.web import HTTPError

CANARY = "canary-7788 token abc"


def refused(message: str) -> HTTPError:
    error = HTTPError(403, message)
    error.jupyterhub_message = message  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("status", "message", "exception", "title", "text"),
    [
        pytest.param(404, "", None, "nothing here", "", id="404"),
        pytest.param(404, "No such user: ben", HTTPError(404), "nothing", "exist", id="404-plain"),
        pytest.param(405, "", HTTPError(405), "cannot be done", "button", id="405"),
        pytest.param(500, CANARY, HTTPError(500, CANARY), "went wrong", "", id="500"),
        pytest.param(500, CANARY, RuntimeError(CANARY), "went wrong", "", id="exception"),
        pytest.param(403, "", refused("Not verified."), "not for you", "Not verified.", id="ours"),
        pytest.param(
            403,
            "Action is not authorized with current scopes; requires any of [admin-ui]",
            HTTPError(403),
            "not for you",
            "You do not have permission",
            id="403-scopes",
        ),
        pytest.param(
            503,
            "",
            SpawnException("No image left.", reason="x", status_code=503),
            "not started",
            "No image left.",
            id="refused-start",
        ),
        pytest.param(
            400, "OAuth state mismatch", HTTPError(400), "interrupted", "sign in again", id="state"
        ),
        pytest.param(
            400, f"OAuth error: {CANARY}", HTTPError(400), "not succeed", "", id="provider-says-no"
        ),
        pytest.param(
            403,
            "'_xsrf' argument missing",
            HTTPError(403),
            "open for too long",
            "",
            id="xsrf",
        ),
        pytest.param(
            500,
            CANARY,
            HTTPClientError(599, CANARY),
            "does not answer",
            "go on",
            id="issuer-timeout",
        ),
        pytest.param(
            500, CANARY, ConnectionRefusedError(CANARY), "does not answer", "", id="issuer-refuses"
        ),
        pytest.param(
            400, "A workspace needs a name.", HTTPError(400), "cannot be done", "a name", id="400"
        ),
    ],
)
def test_words(
    status: int, message: str, exception: Exception | None, title: str, text: str
) -> None:
    words = words_for_error(status, message, exception)
    assert title in words.title
    assert text in words.text
    assert CANARY not in words.title + words.text


@pytest.mark.parametrize(
    ("message", "plain"),
    [
        ("400 SpawnException(reason=invalid_choice): No such image.", "No such image."),
        ("Spawn failed: 503 WorkspaceRefused(reason=x): None left.", "None left."),
        ("Spawn failed: None left.", "None left."),
        ("None left.", "None left."),
        ("", ""),
    ],
)
def test_messages_lose_their_technical_words(message: str, plain: str) -> None:
    assert plain_message(message) == plain
