"""The proxy as JupyterHub's configurable-http-proxy, but traffic is no activity. I/O.

configurable-http-proxy counts every byte as activity of a workspace, and JupyterHub believes it: a
forgotten tab, whose panel asks for figures every second, would hold a GPU for ever. What a
workspace does is known inside it and told to the Hub by the workspace itself.
"""

from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy


class WorkspaceProxy(ConfigurableHTTPProxy):
    """Routes without the time of the last traffic, which JupyterHub takes as it being unknown.

    The routes are still compared with the running workspaces every minute, and mended.
    """

    async def get_all_routes(self) -> dict[str, dict[str, Any]]:
        """Return the proxy's routes, as JupyterHub's `Proxy.get_all_routes`."""
        routes: dict[str, dict[str, Any]] = await super().get_all_routes()
        for route in routes.values():
            route["data"].pop("last_activity", None)
        return routes
