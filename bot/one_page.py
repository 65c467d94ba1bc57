"""The one page of an intake, as clinicians read it in Telegram: more messages than one when it is long."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.render import LONGEST, Rendered, Renderer
from flows.catalogue import Catalogue
from flows.conversation import Conversation
from flows.equivalents import Taken
from flows.summary import equivalent_words, summary
from flows.values import spoken


@dataclass(frozen=True, slots=True)
class OnePage:
    """Summaries of intakes in words. Whoever sends one must have asked, and audits it."""

    catalogue: Catalogue
    renderer: Renderer

    def told(
        self, conversation: Conversation, sent_at: datetime, alerts_lately: Iterable[str], *, code: str
    ) -> Sequence[Rendered]:
        """The summary of an intake, in messages that Telegram takes."""
        found = summary(conversation, alerts_lately, self.catalogue)
        medicines = [(_dose(one), *map(equivalent_words, each)) for one, each in found.equivalents.each]
        page = self.renderer.staff(
            "summary",
            code=code,
            at=f"{sent_at.astimezone(ZoneInfo(self.catalogue.clinic.zone)):%b %-d, %Y}",
            outcome_words=self.renderer.staff_word("outcomes", found.outcome),
            summary=found,
            medicines=medicines,
            together=tuple(map(equivalent_words, found.equivalents.together)),
            dose_class=found.equivalents.dose_class or "not known",
            disputed=found.equivalents.is_disputed,
        )
        return [Rendered(part, []) for part in _parts(page.html)]


def _dose(taken: Taken) -> str:
    name = taken.medicine.label if taken.medicine is not None else "A medicine that is not known"
    return f"{name}, dose not told" if taken.daily_mg is None else f"{name}, {spoken(taken.daily_mg)} mg a day"


def _parts(html: str) -> Sequence[str]:
    """The page cut between lines; no line holds a tag that another one closes."""
    parts = [""]
    for line in html.split("\n"):
        if len(parts[-1]) + len(line) + 1 > LONGEST:
            parts.append("")
        parts[-1] += line + "\n"
    return [part.strip() for part in parts if part.strip()]
