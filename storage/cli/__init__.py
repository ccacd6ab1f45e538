"""Reading commands, and how their answers are printed."""
