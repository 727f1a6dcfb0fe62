"""Server, boxes and probe put together."""
