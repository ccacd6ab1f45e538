"""Connections, tables, views, migrations, and the unit of work."""
