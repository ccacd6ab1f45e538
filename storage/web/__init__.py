"""The archive as most people meet it: pages, and the same answers as JSON. Only reads."""
