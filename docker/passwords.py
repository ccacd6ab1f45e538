"""Make the passwords of the stack on its first start, each where only its reader sees it.

Every folder below is a volume of its own; a file that is there stays as it is.
"""

import os
import secrets
from pathlib import Path

ROOT = Path("/secrets")
ROLES = ("owner", "worker", "reader", "page", "replica")


def main() -> None:
    """Write what is missing, and say so."""
    passwords = {role: _kept(ROOT / "postgres" / role) for role in ROLES}
    redis = _kept(ROOT / "redis" / "password")
    _write(ROOT / "redis" / "redis.conf", f"requirepass {redis}\n")
    owner, worker = passwords["owner"], passwords["worker"]
    _write(ROOT / "owner" / "database_url", f"postgresql://lesart:{owner}@postgres/lesart")
    _write(ROOT / "lesart" / "database_url", f"postgresql://lesart_worker:{worker}@postgres/lesart")
    page_url = f"postgresql://lesart_page:{passwords['page']}@postgres/lesart"
    _write(ROOT / "lesart" / "page_url", page_url)
    replicas = page_url.replace("@postgres/", "@replica1,replica2/")
    _write(ROOT / "lesart" / "replicas_url", replicas)
    sql_url = f"postgresql://lesart_reader:{passwords['reader']}@postgres/lesart"
    _write(ROOT / "lesart" / "sql_url", sql_url)
    sql_replicas = sql_url.replace("@postgres/", "@replica1,replica2,postgres/")
    _write(ROOT / "lesart" / "sql_replicas_url", sql_replicas)
    _write(ROOT / "lesart" / "broker_url", f"redis://:{redis}@redis:6379/0")


def _kept(path: Path) -> str:
    """Return the password in `path`, a new one if there is none yet."""
    if not path.exists():
        _write(path, secrets.token_urlsafe(32))
    return path.read_text("ascii")


def _write(path: Path, content: str) -> None:
    """Write in one step, so that a start that was cut off leaves no half password."""
    if path.exists() and path.read_text("ascii") == content:
        return
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="ascii") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.chmod(0o444)  # the stores run as users of their own; who mounts the volume may read it
    part.replace(path)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
