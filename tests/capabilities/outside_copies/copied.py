"""A newsroom whose pages are copied by an archive."""

from dataclasses import replace

from tests.capabilities.outside_copies.copy_archive import KEY
from tests.pauses import without_pauses
from tests.web.desk import PEGEL
from tests.web.site import Reply, page
from worker.capabilities.outside_copies import work as outside
from worker.flow.standing_sources import add_options_of_capabilities

PAGE = "http://zeitung.example/lokales/pegel"


class Copied:
    """A newsroom whose page is copied by an archive, without pauses."""

    def __init__(self, desk, service, kind: str = "spn2", **values) -> None:
        self.desk, self.service = desk, service
        self.settings = replace(
            desk.settings, allow_hosts=(f"{service.allow_hosts}={service.allow_hosts}",),
            web_archives=(service.setting(kind),), web_archive_keys=(f"eins={KEY}",), **values,
        )  # fmt: skip
        proxy = f"http://127.0.0.1:{desk.web.plain_port}"
        wish = {"copy_to": "eins"}
        self.options = add_options_of_capabilities(
            desk.archive, self.settings, {"proxy": proxy}, wish
        )

    def see(self, address: str = PAGE, reply: Reply | bytes | None = None, **options) -> None:
        self.desk.web.put(address, reply or page("Pegel der Lohe steigt", PEGEL))
        self.desk.watch_page(address, options={**self.options, **options})
        self.desk.due()

    def work(self) -> None:
        """Send due requests until the pauses of an archive that never answers are over."""
        with without_pauses():
            for _ in range(6):
                outside.work(self.desk.archive, self.settings)

    def refusals(self) -> list[tuple[str, str]]:
        query = "SELECT code, message FROM refusals ORDER BY seq"
        return [(row["code"], row["message"]) for row in self.desk.rows(query)]

    def addresses(self) -> list[str]:
        return [row["address"] for row in self.desk.rows("SELECT address FROM outside_copies")]
