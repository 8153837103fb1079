"""The spawner: from the catalogue to a running pod.

Stands on KubeSpawner; knows nothing of the hub's pages or of the embedded cluster.
"""
