"""Which steps an alert fires for (PURE), and alerts, channels and deliveries as they are read."""
