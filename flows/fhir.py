"""Answers -> FHIR R4: a QuestionnaireResponse for each conversation, and a patient's Bundle."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from flows.conversation import Conversation, follow
from flows.lifecycle import Stage
from flows.questionnaire import Item
from flows.values import Facts, encode

STATUS = {Stage.SUBMITTED: "completed", Stage.STOPPED: "stopped", Stage.EXPIRED: "stopped"}
"""FHIR's questionnaire-response-status; a conversation in any other stage is in progress."""


def response(conversation: Conversation, *, patient_code: str, authored: datetime) -> dict[str, Any]:
    """A conversation as a QuestionnaireResponse. Answers on branches that are no longer taken are left out."""
    form = conversation.questionnaire
    items = _items(form.items, follow(form, conversation.answers).reached)
    return {
        "resourceType": "QuestionnaireResponse",
        "id": str(conversation.id),
        "questionnaire": f"{form.url}|{form.version}" if form.version else form.url,
        "status": STATUS.get(conversation.stage, "in-progress"),
        "subject": {"identifier": {"value": patient_code}},
        "authored": authored.isoformat(),
        **({"item": items} if items else {}),
    }


def communication(text: str, *, patient_code: str, said_at: datetime, number: int) -> dict[str, Any]:
    """A patient's own words that were no answer, as a Communication."""
    return {
        "resourceType": "Communication",
        "id": f"words-{number}",
        "status": "completed",
        "subject": {"identifier": {"value": patient_code}},
        "sent": said_at.isoformat(),
        "payload": [{"contentString": text}],
    }


def bundle(
    patient_code: str,
    conversations: Iterable[tuple[Conversation, datetime]],
    texts: Iterable[tuple[datetime, str]] = (),
) -> dict[str, Any]:
    """All conversations of a patient, and their other words (time, text), as a Bundle of type collection."""
    entries = [response(held, patient_code=patient_code, authored=at) for held, at in conversations]
    words = [pair for pair in texts if pair[1].strip()]
    entries += [
        communication(text, patient_code=patient_code, said_at=at, number=number)
        for number, (at, text) in enumerate(words, start=1)
    ]
    listed = [{"fullUrl": f"urn:taperline:{entry['id']}", "resource": entry} for entry in entries]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        **({"entry": listed} if listed else {}),
    }


def _items(items: Sequence[Item], reached: Facts) -> list[dict[str, Any]]:
    """Items that have an answer, and those that hold such items: FHIR has no empty list."""
    found = []
    for item in items:
        children = _items(item.items, reached)
        values = reached.get(item.link_id, ())
        if not values and not children:
            continue
        entry: dict[str, Any] = {"linkId": item.link_id}
        if item.text:
            entry["text"] = item.text
        if values:
            entry["answer"] = [{**encode(value), **({"item": children} if children else {})} for value in values]
        else:
            entry["item"] = children
        found.append(entry)
    return found
