"""Addresses over the wire: asked for politely, safely, and with all that was said kept."""
