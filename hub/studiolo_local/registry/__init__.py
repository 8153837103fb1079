"""A small OCI registry for the embedded cluster, and the demo images that it holds.

The distribution specification, pull and push, over files: enough for the image check, the kubelet,
skopeo and docker. Pulling is open to this machine, pushing needs a password: what is pushed is run.
"""
