"""Simulated GPUs: a stand-in for NVIDIA's management library, compiled on this machine."""

from studiolo_local.gpu.build import LIBRARY_NAME, Build, build

__all__ = ["LIBRARY_NAME", "Build", "build"]
