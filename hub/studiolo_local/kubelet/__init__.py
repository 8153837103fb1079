"""A kubelet that runs containers as local processes. It isolates nobody: not for production.

Pods that the scheduler bound to simulated nodes get what a kubelet would give them: images pulled
from a registry, volumes, an address, GPUs by device id, probes, status and events. What runs is a
process of this machine, in a session of its own under ``shim``, which takes every descendant with
it. What a process does not get: a file system or a user of its own, limits on CPU, memory or disk,
security contexts, network policies, lifecycle hooks, services' variables, ephemeral containers.
"""
