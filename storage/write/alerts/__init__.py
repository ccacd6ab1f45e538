"""Make, change and remove alerts; match steps; the outbox of deliveries. It sends nothing."""
