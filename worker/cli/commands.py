"""All modules of commands; each one adds its commands to `app`."""
# ruff: noqa: F401

import storage.cli.archive_commands
import storage.cli.article_commands
import storage.cli.open_page
import storage.cli.proof_commands
import storage.cli.top
import storage.cli.watch
import worker.cli.checks.check_commands
import worker.cli.copy_commands
import worker.cli.decision_commands
import worker.cli.ingest.command
import worker.cli.ingest.job_commands
import worker.cli.redact_command
import worker.cli.service_commands
import worker.cli.source_commands
import worker.cli.token_commands
from storage.capabilities import load_parts
from storage.cli.app import app

_OF_CAPABILITIES = (*load_parts("write_command"),)

__all__ = ["app"]
