"""How texts come in: sources, the text core, decisions, the schedule and the command line."""
