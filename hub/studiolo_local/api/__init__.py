"""A Kubernetes API in one process: the embedded cluster's centre.

`ApiServer` serves a `Store` over HTTP on a loopback address; kubelet, scheduler, hub and kubectl
are its clients. It keeps Kubernetes' contract for the kinds that Studiolo uses, and the tests in
tests/contract run against it and against a real API server alike. It isolates nobody from anybody.
"""

from studiolo_local.api.logs import LogProvider, LogRequest, LogsUnavailable
from studiolo_local.api.server import ApiServer
from studiolo_local.api.store import Store

__all__ = ["ApiServer", "LogProvider", "LogRequest", "LogsUnavailable", "Store"]
