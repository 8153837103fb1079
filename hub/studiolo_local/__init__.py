"""The embedded cluster, for a first look, development and tests.

Isolates nobody; not for production.
"""
