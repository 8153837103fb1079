"""How well-known tasks, tools and frameworks are called by their ids. Pure.

A catalogue's `menu.names` goes before. An id that nobody named is shown as it stands.
"""

from collections.abc import Mapping
from types import MappingProxyType

KNOWN_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "catboost": "CatBoost",
        "cudf": "cuDF",
        "dask": "Dask",
        "diffusers": "Diffusers",
        "flax": "Flax",
        "huggingface": "Hugging Face",
        "jax": "JAX",
        "jupyterlab": "JupyterLab",
        "keras": "Keras",
        "lightgbm": "LightGBM",
        "lightning": "Lightning",
        "marimo": "marimo",
        "mlflow": "MLflow",
        "onnx": "ONNX",
        "onnxruntime": "ONNX Runtime",
        "opencv": "OpenCV",
        "pytorch": "PyTorch",
        "ray": "Ray",
        "rstudio": "RStudio",
        "tensorboard": "TensorBoard",
        "tensorflow": "TensorFlow",
        "tensorrt": "TensorRT",
        "torchaudio": "torchaudio",
        "torchvision": "torchvision",
        "transformers": "Transformers",
        "triton": "Triton",
        "vllm": "vLLM",
        "vscode": "VS Code",
        "xgboost": "XGBoost",
    }
)


def name_of(entry_id: str, own: Mapping[str, str]) -> str:
    """What to call it: the catalogue's own name, a well-known one, or the id."""
    return own.get(entry_id) or KNOWN_NAMES.get(entry_id, entry_id)
