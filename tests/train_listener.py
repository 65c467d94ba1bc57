"""`python -m tests.train_listener`: learns the listener's weights from examples.yaml and writes weights.json.

Run it after any change to flows/content/phrases/; tests/flows/test_listener.py fails until it was.
"""

import json
from base64 import b85encode
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from flows import listener
from flows.listener import Listener, Signal, Weights

FREEDOM = 10.0
"""The inverse of the regularisation: more follows the examples more closely."""


def learn(ear: Listener, examples: Mapping[str, frozenset[Signal]]) -> dict[Signal, Weights]:
    """The weights that the examples teach, for every signal that asks for likeness.

    Logistic regression on traits weighed by their rarity (idf); both sides count alike however few their examples.
    """
    seen = [ear.traits(text) for text in examples]
    learned = {}
    for signal in seen[0]:
        texts = matrix(traits[signal] for traits in seen)
        rarity = np.log((1 + len(seen)) / (1 + np.bincount(texts.indices, minlength=listener.PLACES))) + 1
        meant = np.array([signal in signals for signals in examples.values()])
        model = LogisticRegression(C=FREEDOM, solver="liblinear", class_weight="balanced", random_state=0)
        model.fit(texts.multiply(rarity).tocsr(), meant)
        slopes = model.coef_[0] * rarity
        unit = float(f"{np.abs(slopes).max() / 127:.4g}")
        steps = np.rint(slopes / unit).clip(-127, 127).astype(np.int8).tobytes()
        learned[signal] = Weights(round(float(model.intercept_[0]), 3), unit, steps)
    return learned


def matrix(texts: Iterable[frozenset[int]]) -> csr_matrix:
    """One row a text, one column a place, as Weights.score weighs them."""
    rows = [sorted(places) for places in texts]
    values = np.concatenate([np.full(len(row), 1 / listener.traits_size(len(row))) for row in rows])
    return csr_matrix((values, np.concatenate(rows), np.cumsum([0, *map(len, rows)])), (len(rows), listener.PLACES))


def trained(texts: Mapping[str, str]) -> str:
    """What weights.json must hold for these phrase files."""
    learned = learn(Listener(*listener.read_books(texts)), listener.read_examples(texts))
    content = {
        "examples": listener.fingerprint(texts["examples.yaml"]),
        "weights": {
            signal.value: {"bias": weights.bias, "unit": weights.unit, "steps": b85encode(weights.steps).decode()}
            for signal, weights in learned.items()
        },
    }
    return json.dumps(content) + "\n"


if __name__ == "__main__":
    weights = Path(listener.__file__).parent / "content" / "phrases" / listener.WEIGHTS
    weights.write_text(trained(listener.own_texts()), "utf-8")
