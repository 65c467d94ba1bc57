"""Why an alert was raised, for clinicians: the rule, the answers that fired it, why it matters, its source."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from bot.buttons import Deed
from bot.render import LONGEST, LONGEST_CHUNK, LONGEST_ECHO, Rendered, Renderer, cut
from flows.catalogue import Catalogue
from flows.escalation import Tier
from flows.evidence import Evidence, Finding, Occasion
from flows.redflags import Rule
from storage import alerts
from storage.tables import AlertRow

MOST_LINES = 60
"""Lines of evidence of which no message holds more."""


@dataclass(frozen=True, slots=True)
class Why:
    """Answers the question why an alert was raised."""

    catalogue: Catalogue
    renderer: Renderer

    def told(self, alert: AlertRow, code: str, occasions: Sequence[Occasion], *, may_read: bool) -> Rendered:
        """The message for a clinician: of the evidence, the newest first, what fits; none for who may not read it."""
        fired = [(occasion.at, each) for occasion in reversed(occasions) for each in occasion.evidence]
        context = self._context(alert, [each for _, each in fired]) | {"code": code, "may_read": may_read}
        short = [(at, _short(each)) for at, each in fired] if may_read else []
        lines = sum(1 + len(each.findings) for _, each in short)
        for kept in range(min(lines, MOST_LINES), -1, -1):
            shown = list(self._first(short, kept))
            is_cut = may_read and (kept < lines or short != fired)
            deeds = [Deed.RECORD] if may_read and code else []
            message = self.renderer.staff("why", deeds, alerts.number(alert), firings=shown, is_cut=is_cut, **context)
            if len(message.html.encode("utf-16-le")) // 2 <= LONGEST:  # as Telegram counts
                break
        return message

    def _context(self, alert: AlertRow, evidence: Sequence[Evidence]) -> dict[str, Any]:
        rule = self.catalogue.rule(alert.rule)
        return {
            "sign": self.renderer.staff_word("signs", alert.tier),
            "tier": self.renderer.staff_word("tiers", alert.tier),
            "tiers": {tier: self.renderer.staff_word("tiers", tier) for tier in Tier},
            "rule": alert.rule,
            "title": alert.rule if rule is None else rule.title,
            "rationale": "" if rule is None else cut(rule.rationale, LONGEST_CHUNK // 2),
            "source": "" if rule is None else cut(rule.source, LONGEST_ECHO),
            "owners": () if rule is None else rule.owners,
            "acknowledge": "" if rule is None else cut(rule.acknowledge, LONGEST_ECHO),
            "contact": "" if rule is None else cut(rule.contact, LONGEST_ECHO),
            "told": "" if rule is None else self._said(rule, evidence),
        }

    def _said(self, rule: Rule, evidence: Sequence[Evidence]) -> str:
        """What the patient was told: the rule's text, unless it fired only by cases that had waited, in silence."""
        waited = [bool(rule.cases[each.case].after) for each in evidence if each.case < len(rule.cases)]
        if rule.message is None or (waited and all(waited)):
            return ""
        text = self.renderer.say(rule.message).html
        return Markup(text) if len(text) <= LONGEST_CHUNK else rule.message.template  # noqa: S704 (our own template)

    def _first(self, fired: Sequence[tuple[datetime, Evidence]], lines: int) -> Iterator[tuple[str, Evidence]]:
        zone = ZoneInfo(self.catalogue.clinic.zone)
        for at, each in fired:
            if lines < 1:
                return
            yield f"{at.astimezone(zone):%b %-d, %H:%M}", replace(each, findings=each.findings[: lines - 1])
            lines -= 1 + len(each.findings)


def _short(evidence: Evidence) -> Evidence:
    return replace(evidence, findings=tuple(map(_cut, evidence.findings)))


def _cut(finding: Finding) -> Finding:
    found = tuple(cut(text, LONGEST_ECHO) for text in finding.found)
    return replace(finding, about=cut(finding.about, LONGEST_ECHO), found=found)
