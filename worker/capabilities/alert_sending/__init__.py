"""Send alerts by webhook, mail and Apprise, and record the results."""
