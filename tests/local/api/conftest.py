from tests.embedded import embedded_api

__all__ = ["embedded_api"]
