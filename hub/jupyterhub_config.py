from studiolo_hub.configure import configure_from_environment
configure_from_environment(get_config())  # noqa: F821 - given by JupyterHub  # type: ignore[name-defined]
