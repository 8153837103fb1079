"""JupyterHub's configuration: all of it is set from the file that STUDIOLO_SETTINGS names."""

from studiolo_hub.configure import configure_from_environment

configure_from_environment(get_config())  # type: ignore[name-defined]  # noqa: F821
