"""Alerts by webhook, mail or Apprise: their commands, matching changes, and messages."""

from storage.capabilities.hooks import Capability, Command

ALERT_SENDING = Capability(
    name="alert_sending",
    document="alerts.md",
    parts=("work", "check", "write_command"),
    commands=(Command("Automate", "alert", "Manage alerts by webhook, mail or Apprise."),),
)
