"""What is known of captures: in a process, and in one unit of work."""
