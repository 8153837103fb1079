"""Pictures of the pages for the documentation, taken by driving a demo. See `__main__`."""
