"""Troubles: what is wrong now, with the machine or with the rota, so that people are told of each once."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import select

from storage.database import Transaction
from storage.tables import TroubleRow


def news(tx: Transaction, kind: str, wrong: Collection[str], *, now: datetime) -> Collection[str]:
    """Keep what is wrong now of a kind, by its key, and forget what is over. Returns what was not known before."""
    known = {row.key: row for row in tx.session.exec(select(TroubleRow).where(TroubleRow.kind == kind))}
    for key in known.keys() - set(wrong):
        tx.session.delete(known[key])
    new = [key for key in wrong if key not in known]
    tx.session.add_all(TroubleRow(kind=kind, key=key, since=now) for key in new)
    return new
