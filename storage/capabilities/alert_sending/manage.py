"""Create, change and delete alerts."""

import base64
import secrets
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select, update

from storage.database.engine import database_epoch
from storage.database.tables import ALERT, ALERT_CHANNEL, ALERT_DELIVERY
from storage.database.unit import Unit
from storage.history.alerts.lists import alert, channels
from storage.history.alerts.rule import AlertRule
from storage.values.errors import AlertError
from storage.values.net.token import TOKEN_NAME

SECRET_PREFIX = "whsec_"  # noqa: S105  # how Standard Webhooks marks a key
SECRET_BYTES = 32


def new_secret() -> str:
    """Return a new secret for signing webhooks, in the format of Standard Webhooks."""
    made = base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")
    return SECRET_PREFIX + made


def add(
    unit: Unit,
    name: str,
    rule: AlertRule,
    targets: Sequence[tuple[str, str]],
    *,
    daily_at: str | None = None,
    timezone: str = "UTC",
) -> dict[str, str]:
    """Create an alert for future changes; `targets` are pairs of channel kind and address.

    Returns the new secret of each webhook by its address.
    Raises: AlertError.
    """
    if TOKEN_NAME.fullmatch(name) is None:
        raise AlertError(f"{name!r} is no name: up to 64 letters, digits, '.', '_' and '-'")
    if not targets:
        raise AlertError("specify a target: --mail, --webhook or --apprise")
    made = {target: new_secret() for kind, target in targets if kind == "webhook"}
    taken = unit.connection.execute(select(ALERT.c.id).where(ALERT.c.name == name)).first()
    if taken is not None:
        raise AlertError(f"there is an alert {name} already: choose another name")
    number = unit.number()
    unit.add(ALERT, {
        "id": number, "name": name, "rule": rule.kept, "daily_at": daily_at,
        "timezone": timezone, "cursor": unit.since, "since": unit.since, "paused": False,
        "created_at": unit.now,
    })  # fmt: skip
    for kind, target in dict.fromkeys(targets):
        unit.add(ALERT_CHANNEL, {
            "id": unit.number(), "alert_id": number, "kind": kind, "target": target,
            "secrets": [made[target]] if kind == "webhook" else None,
        })  # fmt: skip
    return made


def edit(
    unit: Unit,
    name: str,
    rule: AlertRule,
    targets: Mapping[str, Sequence[str]],
    daily_at: str | None,
) -> dict[str, str]:
    """Replace the rule of an alert, and the targets of each specified channel kind.

    A remaining channel retains its secrets; the log of a removed one is deleted. Returns the
    secret of each new webhook by its address.
    Raises: NoSuchError, AlertError.
    """
    found = alert(unit.connection, name)
    known = channels(unit.connection, [found.id])
    wanted = {(kind, target) for kind, given in targets.items() for target in given}
    gone = [c for c in known if c.kind in targets and (c.kind, c.target) not in wanted]
    new = wanted - {(each.kind, each.target) for each in known}
    if len(gone) == len(known) and not new:
        raise AlertError(f"the alert {name} would have no target left: name another one")
    unit.connection.execute(
        update(ALERT).where(ALERT.c.id == found.id).values(rule=rule.kept, daily_at=daily_at)
    )
    for table, key in (
        (ALERT_DELIVERY, ALERT_DELIVERY.c.channel_id), (ALERT_CHANNEL, ALERT_CHANNEL.c.id)
    ):  # fmt: skip
        unit.connection.execute(delete(table).where(key.in_([each.id for each in gone])))
    made = {target: new_secret() for kind, target in sorted(new) if kind == "webhook"}
    for kind, target in sorted(new):
        unit.add(ALERT_CHANNEL, {
            "id": unit.number(), "alert_id": found.id, "kind": kind, "target": target,
            "secrets": [made[target]] if kind == "webhook" else None,
        })  # fmt: skip
    return made


def pause(unit: Unit, name: str) -> None:
    """Pause an alert: nothing is matched or sent.

    Raises: NoSuchError.
    """
    number = alert(unit.connection, name).id
    unit.connection.execute(update(ALERT).where(ALERT.c.id == number).values(paused=True))


def resume(unit: Unit, name: str) -> None:
    """Resume a paused alert for future changes; waiting deliveries are sent.

    Raises: NoSuchError.
    """
    found = alert(unit.connection, name)
    if not found.paused:
        return
    values = {"paused": False, "cursor": unit.since, "since": unit.since}
    unit.connection.execute(update(ALERT).where(ALERT.c.id == found.id).values(**values))


def remove(unit: Unit, name: str) -> None:
    """Delete an alert with its addresses, secrets and log.

    Raises: NoSuchError.
    """
    number = alert(unit.connection, name).id
    for table in (ALERT_DELIVERY, ALERT_CHANNEL):
        unit.connection.execute(delete(table).where(table.c.alert_id == number))
    unit.connection.execute(delete(ALERT).where(ALERT.c.id == number))


def rotate(unit: Unit, name: str) -> dict[str, str]:
    """Replace the secret of each webhook of an alert; return the new secrets by address.

    The previous secret signs in addition until the next rotation.
    Raises: NoSuchError, AlertError.
    """
    number = alert(unit.connection, name).id
    hooks = [each for each in channels(unit.connection, [number]) if each.kind == "webhook"]
    if not hooks:
        raise AlertError(f"the alert {name} has no webhook")
    made = {each.target: new_secret() for each in hooks}
    for each in hooks:
        keys = [made[each.target], *each.secrets[:1]]
        unit.connection.execute(
            update(ALERT_CHANNEL).where(ALERT_CHANNEL.c.id == each.id).values(secrets=keys)
        )
    return made


def retry(unit: Unit, name: str) -> int:
    """Retry the dead deliveries of an alert immediately; return their number.

    Raises: NoSuchError.
    """
    number = alert(unit.connection, name).id
    now = database_epoch(unit.connection)
    done = unit.connection.execute(
        update(ALERT_DELIVERY)
        .where(ALERT_DELIVERY.c.alert_id == number, ALERT_DELIVERY.c.state == "dead")
        .values(state="waiting", attempts=0, next_at=now, note=None)
    )
    return done.rowcount
