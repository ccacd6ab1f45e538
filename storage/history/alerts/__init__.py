"""The changes that match an alert (PURE), and queries for alerts, channels and deliveries."""
