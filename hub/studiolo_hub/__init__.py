"""The hub: settings, sign-in, pages and lifecycle of workspaces. Stands on studiolo_spawner."""
