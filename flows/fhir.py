"""A patient's record <-> a FHIR R4 Bundle that can be read without us, and read back without loss."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from flows import questionnaire, responses
from flows.conversation import Conversation
from flows.course import Course, Entry
from flows.effects import RequestKind
from flows.escalation import Tier
from flows.evidence import Evidence, Finding, Occasion
from flows.lifecycle import AlertState, Stage
from flows.questionnaire import Questionnaire
from flows.responses import Detail
from flows.scores import Score, scores
from flows.taper import DAILY_DOSE
from flows.totals import LOINC, PANELS
from flows.values import DECLINED, Coding, Place, Value, spoken

STATUS = {Stage.SUBMITTED: "completed", Stage.STOPPED: "stopped", Stage.EXPIRED: "stopped"}
"""FHIR's questionnaire-response-status; a conversation in any other stage is in progress."""

MEDICINE = Coding("medicine", "urn:taperline")
"""The code that marks a question for the name of a medicine that is taken."""

OURS = "urn:taperline:"
"""What the names of our identifiers and tags begin with."""

SEVERITY = {Tier.EMERGENCY: "high", Tier.URGENT: "moderate", Tier.SAME_DAY: "low", Tier.ROUTINE: "low"}
"""FHIR's detectedissue-severity."""

HL7 = "http://terminology.hl7.org/CodeSystem/"
UCUM = "http://unitsofmeasure.org"
_NAMESPACE = uuid5(NAMESPACE_URL, "urn:taperline")

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Response:
    """A conversation, and when it last moved."""

    conversation: Conversation
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class Words:
    """Words of a patient that were no answer, or more than one, and what was heard in them."""

    id: int
    said_at: datetime
    text: str
    signals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert by its number, the times at which it was paged, and what raised it, the oldest first."""

    number: int
    rule: str
    title: str
    tier: Tier
    state: AlertState
    raised_at: datetime
    resolved_at: datetime | None = None
    pages: tuple[datetime, ...] = ()
    occasions: tuple[Occasion, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What a patient asked the clinic for, by its number. `enrolled` is the consultation that ended in enrolment."""

    number: int
    kind: RequestKind
    opened_at: datetime
    closed_at: datetime | None = None
    enrolled: bool = False


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """All that is known of a patient, without name and chat."""

    code: str
    responses: tuple[Response, ...] = ()
    words: tuple[Words, ...] = ()
    alerts: tuple[Alert, ...] = ()
    requests: tuple[Request, ...] = ()


def bundle(record: PatientRecord) -> Resource:
    """A patient's record as a Bundle of type collection. Every reference in it leads to an entry of it."""
    return {"resourceType": "Bundle", "type": "collection", "entry": list(_Bundler(record).entries())}


def written(record: PatientRecord) -> str:
    """The same as JSON text."""
    return json.dumps(bundle(record), indent=2, ensure_ascii=False)


def read_bundle(found: Mapping[str, Any]) -> PatientRecord:
    """The record that a Bundle of ours holds: `bundle` makes the same Bundle of it again.

    Conversations come back with the answers that counted, without drafts and revisions. Observations and
    MedicationStatements are not read: they follow from the answers. Raises KeyError, ValueError or
    QuestionnaireError for what we did not write.
    """
    return _Reader(found).record()


@dataclass(frozen=True)
class _Bundler:
    record: PatientRecord

    def entries(self) -> Iterator[Resource]:
        record = self.record
        code = {"system": f"{OURS}patient", "value": record.code}
        yield self._entry("Patient", "", identifier=[code])
        forms = {kept.conversation.questionnaire.hash: kept.conversation.questionnaire for kept in record.responses}
        for form in forms.values():
            yield {"fullUrl": definition_url(form.hash), "resource": _definition(form)}
        for kept in record.responses:
            yield from self._response(kept)
        for words in record.words:
            yield self._words(words)
        for alert in record.alerts:
            yield from self._alert(alert)
        for request in record.requests:
            yield from self._request(request)

    def _response(self, kept: Response) -> Iterator[Resource]:
        conversation, authored = kept.conversation, kept.moved_at.isoformat()
        course = conversation.course
        completed = conversation.stage is Stage.SUBMITTED
        detail = Detail.SKIPPED if completed and course.next is None else Detail.DECIDED
        items = responses.items(conversation.questionnaire.items, course.reached, detail=detail)
        tags = {"stage": conversation.stage, "purpose": conversation.purpose}
        yield self._entry(
            "QuestionnaireResponse",
            conversation.id,
            meta=_tags(**tags, definition=conversation.questionnaire.hash),
            identifier=_identifier("conversation", conversation.id) | _since(conversation.opened),
            questionnaire=canonical(conversation.questionnaire),
            status=STATUS.get(conversation.stage, "in-progress"),
            subject=self._patient,
            authored=authored,
            source=self._patient,
            item=items or None,
        )
        for score in scores(conversation.questionnaire, course.facts):
            yield self._score(kept, score)
        for medicine in _medicines(course):
            yield self._medicine(kept, medicine)

    def _score(self, kept: Response, score: Score) -> Resource:
        codes = [_total_code(code) for code in score.codes]
        if score.unit:
            value: Resource = {"valueQuantity": {"value": float(score.value), "unit": score.unit}}
        elif score.value == int(score.value):
            value = {"valueInteger": int(score.value)}
        else:
            number = {"value": float(score.value), "unit": "score", "system": UCUM, "code": "{score}"}
            value = {"valueQuantity": number}
        return self._entry(
            "Observation",
            f"{kept.conversation.id}/{score.link_id}",
            status="final" if kept.conversation.stage is Stage.SUBMITTED else "preliminary",
            category=[_concept(Coding("survey", f"{HL7}observation-category", "Survey"))],
            code=_concept(*codes, text=score.title or score.link_id or "Total score"),
            subject=self._patient,
            effectiveDateTime=kept.moved_at.isoformat(),
            derivedFrom=[self._reference("QuestionnaireResponse", kept.conversation.id)],
            **value,
        )

    def _medicine(self, kept: Response, medicine: "_Medicine") -> Resource:
        name = medicine.name
        concept = _concept(name, text=spoken(name)) if isinstance(name, Coding) else {"text": spoken(name)}
        return self._entry(
            "MedicationStatement",
            f"{kept.conversation.id}/{medicine.place.link_id}/{'.'.join(map(str, medicine.place.instance))}",
            status="unknown",
            medicationCodeableConcept=concept,
            subject=self._patient,
            effectiveDateTime=kept.moved_at.isoformat(),
            dateAsserted=kept.moved_at.isoformat(),
            informationSource=self._patient,
            derivedFrom=[self._reference("QuestionnaireResponse", kept.conversation.id)],
            dosage=[{"text": f"{medicine.dose} a day, as the patient reports"}] if medicine.dose else None,
        )

    def _words(self, words: Words) -> Resource:
        signals = [{"system": f"{OURS}signal", "code": signal} for signal in words.signals]
        return self._entry(
            "Communication",
            f"words/{words.id}",
            meta={"tag": signals} if signals else None,
            identifier=[_identifier("words", words.id)],
            status="completed",
            subject=self._patient,
            sent=words.said_at.isoformat(),
            sender=self._patient,
            payload=[{"contentString": words.text}],
        )

    def _alert(self, alert: Alert) -> Iterator[Resource]:
        period = {"start": alert.raised_at, "end": alert.resolved_at}
        yield self._entry(
            "Flag",
            alert.number,
            meta=_tags(alert=alert.state),
            identifier=[_identifier("alert", alert.number)],
            status="inactive" if alert.state is AlertState.RESOLVED else "active",
            category=[_concept(Coding(alert.tier, f"{OURS}tier", alert.tier.label.capitalize()))],
            code=_concept(Coding(alert.rule, f"{OURS}rule", alert.title), text=alert.title),
            subject=self._patient,
            period={name: at.isoformat() for name, at in period.items() if at is not None},
        )
        for number, occasion in enumerate(alert.occasions, start=1):
            for part, evidence in enumerate(occasion.evidence, start=1):
                yield self._evidence(alert, f"{alert.number}/{number}/{part}", occasion.at, evidence)
        for number, at in enumerate(alert.pages, start=1):
            yield self._entry(
                "Communication",
                f"page/{alert.number}/{number}",
                identifier=[_identifier("page", f"{alert.number}/{number}")],
                status="completed",
                category=[_concept(Coding("alert", f"{HL7}communication-category", "Alert"))],
                subject=self._patient,
                about=[self._reference("Flag", alert.number)],
                sent=at.isoformat(),
                payload=[{"contentString": f"Page {number} of alert A-{alert.number}"}],
            )

    def _evidence(self, alert: Alert, number: str, at: datetime, evidence: Evidence) -> Resource:
        return self._entry(
            "DetectedIssue",
            number,
            meta=_tags(case=str(evidence.case), tier=evidence.tier),
            identifier=[_identifier("evidence", number)],
            status="final",
            code=_concept(Coding(alert.rule, f"{OURS}rule", alert.title), text=alert.title),
            severity=SEVERITY[evidence.tier],
            patient=self._patient,
            identifiedDateTime=at.isoformat(),
            implicated=[self._reference("Flag", alert.number)],
            evidence=[{"code": _finding(finding)} for finding in evidence.findings] or None,
            detail=evidence.note or None,
        )

    def _request(self, request: Request) -> Iterator[Resource]:
        """An Appointment; when it was dealt with, FHIR knows no other status for one of which no time is known."""
        yield self._entry(
            "Appointment",
            request.number,
            meta={"lastUpdated": (request.closed_at or request.opened_at).isoformat()},
            identifier=[_identifier("request", request.number)],
            status="proposed" if request.closed_at is None else "waitlist",
            serviceType=[_concept(Coding(request.kind, f"{OURS}request", request.kind.capitalize()))],
            created=request.opened_at.isoformat(),
            comment=None if request.closed_at is None else "Dealt with by the clinic.",
            participant=[{"actor": self._patient, "status": "accepted"}],
        )
        if request.enrolled and request.closed_at is not None:
            yield self._entry(
                "Encounter",
                request.number,
                status="finished",
                **{"class": _coding(Coding("AMB", f"{HL7}v3-ActCode", "ambulatory"))},
                type=[_concept(Coding(request.kind, f"{OURS}request", request.kind.capitalize()))],
                subject=self._patient,
                appointment=[self._reference("Appointment", request.number)],
                period={"end": request.closed_at.isoformat()},
            )

    @cached_property
    def _patient(self) -> Resource:
        return self._reference("Patient", "")

    def _reference(self, kind: str, key: object) -> Resource:
        return {"reference": f"urn:uuid:{self._id(kind, key)}", "type": kind}

    def _entry(self, kind: str, key: object, **parts: object) -> Resource:
        given = {name: part for name, part in parts.items() if part is not None}
        uuid = self._id(kind, key)
        return {"fullUrl": f"urn:uuid:{uuid}", "resource": {"resourceType": kind, "id": uuid, **given}}

    def _id(self, kind: str, key: object) -> str:
        return str(uuid5(_NAMESPACE, f"{self.record.code}/{kind}/{key}"))


def _finding(finding: Finding) -> list[Resource]:
    """What was looked at, what was found, and the kind of error, if there was one."""
    fact = _concept(Coding(finding.fact, f"{OURS}fact", finding.condition), text=finding.about)
    error = [_concept(Coding(finding.error, f"{OURS}error"))] if finding.error else []
    return [fact, *(_concept(text=found) for found in finding.found), *error]


def _definition(form: Questionnaire) -> Resource:
    """The source of a questionnaire as it was written: what others write may break rules of FHIR, and is kept."""
    kind = "application/fhir+json" if form.source.lstrip().startswith("{") else "application/yaml"
    return {"resourceType": "Binary", "contentType": kind, "data": b64encode(form.source.encode()).decode()}


def definition_url(form_hash: str) -> str:
    """What names this version of a questionnaire in a Bundle: two of one url and version are told apart."""
    return f"urn:uuid:{uuid5(_NAMESPACE, f'Questionnaire/{form_hash}')}"


def canonical(form: Questionnaire) -> str:
    """The canonical of a questionnaire: url|version, or its place in the Bundle when its file has no url."""
    if "url" not in form.resource:
        return definition_url(form.hash)
    return f"{form.url}|{form.version}" if form.version else form.url


@dataclass(slots=True)
class _Medicine:
    place: Place
    name: Value
    dose: str = ""


def _medicines(course: Course) -> list[_Medicine]:
    """The medicines that were named. A dose belongs to the medicine asked for last before it, of its occurrence."""
    found: list[_Medicine] = []
    for entry in course.entries:
        if MEDICINE in entry.item.codes:
            found += _named(entry)
        elif DAILY_DOSE in entry.item.codes:
            here = [medicine for medicine in found if _is_around(medicine.place.instance, entry.place.instance)]
            for value in (entry.values or ())[:1] if here else ():
                if value != DECLINED:
                    here[-1].dose = f"{spoken(value)} {entry.item.unit}".strip()
    return found


def _named(entry: Entry) -> Iterator[_Medicine]:
    for number, value in enumerate(entry.values or (), start=1):
        inside = (*entry.place.instance, number) if entry.item.takes_several else entry.place.instance
        if value != DECLINED:
            yield _Medicine(Place(entry.place.link_id, inside), value)


def _is_around(outer: tuple[int, ...], inner: tuple[int, ...]) -> bool:
    return inner[: len(outer)] == outer


@dataclass(frozen=True)
class _Reader:
    found: Mapping[str, Any]

    def record(self) -> PatientRecord:
        return PatientRecord(
            code=str(next(self._all("Patient"))["identifier"][0]["value"]),
            responses=tuple(map(self._response, self._all("QuestionnaireResponse"))),
            words=tuple(self._words(found) for found in self._all("Communication") if "about" not in found),
            alerts=tuple(map(self._alert, self._all("Flag"))),
            requests=tuple(map(self._request, self._all("Appointment"))),
        )

    def _response(self, found: Resource) -> Response:
        form = self._forms[_tag(found, "definition")]
        number, opened = int(found["identifier"]["value"]), found["identifier"].get("period", {}).get("start")
        conversation = Conversation(
            id=number,
            purpose=_tag(found, "purpose"),
            questionnaire=form,
            stage=Stage(_tag(found, "stage")),
            answers=responses.answers(form.items, found.get("item", ())),
            opened=None if opened is None else datetime.fromisoformat(opened),
        )
        return Response(_counting(conversation), datetime.fromisoformat(found["authored"]))

    def _words(self, found: Resource) -> Words:
        signals = tuple(tag["code"] for tag in found.get("meta", {}).get("tag", ()))
        [number], [payload] = found["identifier"], found["payload"]
        return Words(int(number["value"]), datetime.fromisoformat(found["sent"]), payload["contentString"], signals)

    def _alert(self, found: Resource) -> Alert:
        [[category], [rule]] = [part["coding"] for part in (found["category"][0], found["code"])]
        period, end = found["period"], found["period"].get("end")
        return Alert(
            number=int(found["identifier"][0]["value"]),
            rule=rule["code"],
            title=rule["display"],
            tier=Tier(category["code"]),
            state=AlertState(_tag(found, "alert")),
            raised_at=datetime.fromisoformat(period["start"]),
            resolved_at=None if end is None else datetime.fromisoformat(end),
            pages=tuple(self._pages.get(f"urn:uuid:{found['id']}", ())),
            occasions=tuple(
                Occasion(at, tuple(evidence))
                for at, evidence in self._occasions.get(f"urn:uuid:{found['id']}", {}).values()
            ),
        )

    def _evidence(self, found: Resource) -> Evidence:
        findings = (self._finding(*part["code"]) for part in found.get("evidence", ()))
        return Evidence(
            int(_tag(found, "case")), Tier(_tag(found, "tier")), tuple(findings), note=found.get("detail", "")
        )

    def _finding(self, fact: Resource, *parts: Resource) -> Finding:
        [coding] = fact["coding"]
        found = tuple(part["text"] for part in parts if "text" in part)
        error = next((part["coding"][0]["code"] for part in parts if "coding" in part), "")
        return Finding(coding["code"], coding["display"], fact["text"], found, error)

    def _request(self, found: Resource) -> Request:
        is_open = found["status"] == "proposed"
        return Request(
            number=int(found["identifier"][0]["value"]),
            kind=RequestKind(found["serviceType"][0]["coding"][0]["code"]),
            opened_at=datetime.fromisoformat(found["created"]),
            closed_at=None if is_open else datetime.fromisoformat(found["meta"]["lastUpdated"]),
            enrolled=f"urn:uuid:{found['id']}" in self._held,
        )

    @cached_property
    def _forms(self) -> Mapping[str, Questionnaire]:
        """The questionnaires by the hash that the responses name."""
        resources = {entry["fullUrl"]: entry["resource"] for entry in self.found["entry"]}
        forms = {}
        for definition in {_tag(found, "definition") for found in self._all("QuestionnaireResponse")}:
            source = b64decode(resources[definition_url(definition)]["data"]).decode()
            forms[definition] = questionnaire.load(source, f"definition {definition}")
        return forms

    @cached_property
    def _pages(self) -> Mapping[str, list[datetime]]:
        pages: dict[str, list[datetime]] = {}
        for found in self._all("Communication"):
            for about in found.get("about", ()):
                pages.setdefault(about["reference"], []).append(datetime.fromisoformat(found["sent"]))
        return pages

    @cached_property
    def _occasions(self) -> Mapping[str, dict[str, tuple[datetime, list[Evidence]]]]:
        """What raised each flag, occasion by occasion."""
        occasions: dict[str, dict[str, tuple[datetime, list[Evidence]]]] = {}
        for found in self._all("DetectedIssue"):
            [flag], [number] = found["implicated"], found["identifier"]
            of_flag = occasions.setdefault(flag["reference"], {})
            at = datetime.fromisoformat(found["identifiedDateTime"])
            of_flag.setdefault(number["value"].rpartition("/")[0], (at, []))[1].append(self._evidence(found))
        return occasions

    @cached_property
    def _held(self) -> frozenset[str]:
        """The appointments that led to an encounter."""
        encounters = self._all("Encounter")
        return frozenset(part["reference"] for found in encounters for part in found["appointment"])

    def _all(self, kind: str) -> Iterator[Resource]:
        resources = (entry["resource"] for entry in self.found["entry"])
        return (resource for resource in resources if resource["resourceType"] == kind)


def _counting(read: Conversation) -> Conversation:
    """A conversation with the answers to what was asked, and not what is computed.

    In a completed one it goes without saying that a group does not occur (once more).
    """
    course = read.course
    while read.stage is Stage.SUBMITTED and course.next is not None and not course.next.item.is_question:
        read = replace(read, answers={**read.answers, course.next.place: (False,)})
        course = read.course
    given = {entry.place: entry.values for entry in course.entries if entry.values is not None}
    return replace(read, answers=given)


def _total_code(code: Coding) -> Coding:
    """The code of a score: that of its panel becomes that of the panel's total."""
    total = PANELS.get(code.code) if code.system == LOINC else None
    return code if total is None else Coding(total, LOINC)


def _since(opened: datetime | None) -> Resource:
    return {} if opened is None else {"period": {"start": opened.isoformat()}}


def _tags(**codes: str) -> Resource:
    return {"tag": [{"system": f"{OURS}{name}", "code": code} for name, code in codes.items()]}


def _tag(found: Resource, name: str) -> str:
    return str(next(tag["code"] for tag in found["meta"]["tag"] if tag["system"] == f"{OURS}{name}"))


def _identifier(name: str, value: object) -> Resource:
    return {"system": f"{OURS}{name}", "value": str(value)}


def _concept(*codes: Coding, text: str = "") -> Resource:
    codings = [_coding(code) for code in codes]
    return {**({"coding": codings} if codings else {}), **({"text": text} if text else {})}


def _coding(code: Coding) -> Resource:
    parts = {"system": code.system, "code": code.code, "display": code.display}
    return {name: part for name, part in parts.items() if part}
