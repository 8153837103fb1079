"""A link to the menu fills the menu in; it never starts anything.

JupyterHub starts a server when ``/hub/spawn`` is opened with ``opt-`` arguments, so any web page
could start one for whoever visits it.  ``PrefillOnly`` makes it show the form instead: SpawnHandler
treats every error of ``options_from_query`` so, with the error's status and message, and here these
are 200 and nothing.  The handler logs the "error" with a traceback; ``QuietRefusals`` keeps that,
and tracebacks of refused choices, out of the log.
"""

from __future__ import annotations

import logging

from jupyterhub.spawner import SpawnException
from tornado import web


class PrefillOnly(web.HTTPError):
    """Not an error: show the form."""

    jupyterhub_message = ""
    jupyterhub_html_message = ""

    def __init__(self) -> None:
        super().__init__(200)


class QuietRefusals(logging.Filter):
    """Drops records of ``PrefillOnly`` and tracebacks of refusals, which are no faults."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Decide on one record; refusals stay, as one line that says why."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, PrefillOnly):
            return False
        if isinstance(error, SpawnException):
            record.msg, record.args = "%s: %s", (record.getMessage(), error.log_message)
            record.exc_info = record.exc_text = None
        return True


def install_filter(log: logging.Logger | logging.LoggerAdapter[logging.Logger]) -> None:
    """Put the filter on the hub's log, once."""
    logger = log.logger if isinstance(log, logging.LoggerAdapter) else log
    if not any(isinstance(known, QuietRefusals) for known in logger.filters):
        logger.addFilter(QuietRefusals())
