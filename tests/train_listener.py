"""`python -m tests.train_listener`: learns the listener's weights and writes weights.npz; with --report, counts.

Run it after any change to flows/content/phrases/ or to the lines learned from; tests/flows/test_listener.py fails until
it was. It takes some minutes: the messages of six authors who never saw a phrase are heard by listeners that did
not learn from them, and what those hear decides how far words, meaning and phrases are trusted and where zero lies.
"""

import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from flows import likeness, listener, wording
from flows.likeness import Likeness, Part
from flows.listener import Listener, Signal

EXAMPLES = Path(__file__).parent / "flows" / "listener_examples"
LOOKED_AT = ("test.tsv", "fresh.tsv", "independent_dev.tsv")
"""Read while the phrases were written; they can only teach."""
AUTHORS = ("learn_a.tsv", "learn_b.tsv", "learn_c.tsv", "learn_d.tsv", "learn_e.tsv", "learn_f.tsv")
HELD_OUT = ("heldout_a.tsv", "heldout_b.tsv", "heldout_c.tsv", "independent_test.tsv")
"""Read by nobody who wrote a phrase: a random fifth of what the first three authors wrote, and a seventh author."""
WEIGHTS = Path(listener.__file__).parent / "content" / "phrases" / listener.WEIGHTS
RECORD = EXAMPLES / "learned_from.txt"

FREEDOM = 10.0
"""The inverse of the regularisation of words: more follows the examples more closely."""
NETWORKS, UNITS, DECAY, ROUNDS = 4, 192, 0.5, 12
"""Networks of meaning that judge together, the hidden units of each, how hard their weights are held down, and how
often each sees all examples."""
FOLDS = 4
ALARMS = {
    Signal.CRISIS: 0.08,
    Signal.MEDICAL: 0.05,
    Signal.ABRUPT: 0.06,
    Signal.TAPER: 0.085,
    Signal.HUMAN: 0.03,
    Signal.STOP: 0.02,
}
"""The part of the authors' ordinary lines that may be heard wrongly. They wrote them to mislead, more than most do."""


def rows(name: str) -> dict[str, frozenset[Signal]]:
    """The lines of an example file, or the lines learned from; a dash stands for no signal."""
    if name == "examples.yaml":
        return listener.read_examples(listener.own_texts())
    lines = (EXAMPLES / name).read_text("utf-8").splitlines()[1:]
    pairs = [line.rsplit("\t", 1) for line in lines]
    return {
        text: frozenset(Signal(one) for one in signals.replace(",", " ").split() if one != "-")
        for text, signals in pairs
    }


def tally(ear: Listener, name: str) -> tuple[Counter[str], Counter[str]]:
    """How often each signal was meant and heard; among ordinary lines, how many there are and what was heard."""
    meant: Counter[str] = Counter()
    heard: Counter[str] = Counter()
    for text, signals in rows(name).items():
        ears = ear.hear(text)
        for signal in signals:
            meant[signal] += 1
            heard[signal] += signal in ears
        if not signals:
            meant["ordinary"] += 1
            heard["ordinary: an emergency"] += bool(ears & {Signal.CRISIS, Signal.MEDICAL})
            heard["ordinary: taper"] += Signal.TAPER in ears
    return meant, heard


class Examples:
    """Texts as the listener reads them, and what they mean."""

    def __init__(self, ear: Listener, texts: Mapping[str, frozenset[Signal]]) -> None:
        self.signals = ear.weighed
        self.wholes: list[Part] = []
        self.parts: list[Part] = []
        self.owner: list[int] = []
        for number, text in enumerate(texts):
            whole, parts = ear.parts(text)
            self.wholes.append(whole)
            self.parts.extend(parts)
            self.owner.extend([number] * len(parts))
        self.meant = np.array([[signal in meant for signal in self.signals] for meant in texts.values()], int)
        self.meanings = np.vstack(
            [likeness.embed(self.wholes[at : at + 512]) for at in range(0, len(self.wholes), 512)]
        )


def learn(ear: Listener, examples: Sequence[Part], meanings: NDArray[np.float32], meant: NDArray[np.int64]) -> Likeness:
    """Words by logistic regression on traits weighed by their rarity (idf), meaning by networks (see understand)."""
    steps, units, biases = [], [], []
    for row, signal in enumerate(ear.weighed):
        texts = matrix(part.traits[signal] for part in examples)
        rarity = np.log((1 + len(examples)) / (1 + np.bincount(texts.indices, minlength=likeness.PLACES))) + 1
        model = LogisticRegression(C=FREEDOM, solver="liblinear", class_weight="balanced", random_state=0, tol=1e-3)
        model.fit(texts.multiply(rarity).tocsr(), meant[:, row])
        slopes = model.coef_[0] * rarity
        units.append(float(np.abs(slopes).max() / 127))
        steps.append(np.rint(slopes / units[-1]).astype(np.int8))
        biases.append(float(model.intercept_[0]))
    hidden, hidden_biases, outputs, output_biases = understand(meanings, meant)
    return Likeness(
        signals=np.array([signal.value for signal in ear.weighed]),
        steps=np.array(steps),
        units=np.array(units),
        biases=np.array(biases),
        hidden=hidden.astype(np.float16).astype(np.float32),
        hidden_biases=hidden_biases.astype(np.float32),
        outputs=outputs.astype(np.float32),
        output_biases=output_biases.astype(np.float32),
        trust=np.ones((len(units), 3)),
        floors=np.zeros(len(units)),
        phrases=np.array(sorted(ear.marks), np.uint32),
        examples=listener.fingerprint(listener.own_texts()["examples.yaml"]),
    )


def understand(meanings: NDArray[np.float32], meant: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Networks of one hidden layer, each from another start, side by side: as one, they give their mean."""
    middle, spread = meanings.mean(axis=0), meanings.std(axis=0) + 1e-9
    found = []
    for start in range(NETWORKS):
        network = MLPClassifier((UNITS,), alpha=DECAY, batch_size=128, max_iter=ROUNDS, random_state=start)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is what we want
            network.fit((meanings - middle) / spread, meant)
        (hidden, outputs), (hidden_biases, output_biases) = network.coefs_, network.intercepts_
        found.append(
            (hidden / spread[:, None], hidden_biases - (middle / spread) @ hidden, outputs / NETWORKS, output_biases)
        )
    hiddens, biases, outs, lasts = zip(*found, strict=True)
    return [np.hstack(hiddens), np.hstack(biases), np.vstack(outs), np.mean(lasts, axis=0)]


def matrix(texts: Iterable[frozenset[int]]) -> csr_matrix:
    """One row a text, one column a place, weighed as Likeness.evidence weighs them."""
    found = [sorted(places) for places in texts]
    values = np.concatenate([np.full(len(row), 1 / likeness.traits_size(len(row))) for row in found])
    ends = np.cumsum([0, *map(len, found)])
    return csr_matrix((values, np.concatenate(found), ends), (len(found), likeness.PLACES))


def unseen(ear: Listener, own: Examples, others: Examples) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The evidence in each of the others' texts, whole and in parts, for listeners that did not learn from it."""
    fold = np.random.default_rng(0).integers(0, FOLDS, len(others.wholes))
    owner = np.array(others.owner)
    whole, parts = np.zeros((len(fold), len(ear.weighed), 3)), np.zeros((len(owner), len(ear.weighed), 3))
    for number in range(FOLDS):
        seen, kept = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        learned = learn(
            ear,
            [*own.wholes, *(others.wholes[at] for at in seen)],
            np.vstack([own.meanings, others.meanings[seen]]),
            np.vstack([own.meant, others.meant[seen]]),
        )
        whole[kept] = learned.evidence([others.wholes[at] for at in kept])
        theirs = np.flatnonzero(fold[owner] == number)
        parts[theirs] = learned.evidence([others.parts[at] for at in theirs])
        print("fold", number + 1, "of", FOLDS, flush=True)
    return whole, parts


def trained(texts: Mapping[str, str]) -> Likeness:
    """What weights.npz must hold for these phrase files."""
    ear = Listener(*listener.read_books(texts))
    own = Examples(ear, {text: meant for name in ("examples.yaml", *LOOKED_AT) for text, meant in rows(name).items()})
    others = Examples(ear, {text: meant for name in AUTHORS for text, meant in rows(name).items()})
    whole, parts = unseen(ear, own, others)
    trust, floors = np.zeros((len(ear.weighed), 3)), np.zeros(len(ear.weighed))
    ordinary = np.flatnonzero(~others.meant.any(axis=1))
    for row, signal in enumerate(ear.weighed):
        judge = LogisticRegression(C=10.0).fit(whole[:, row], others.meant[:, row])
        trust[row] = judge.coef_[0].round(3)
        loudest = np.full(len(others.wholes), -np.inf)
        np.maximum.at(loudest, others.owner, parts[:, row] @ trust[row])
        floors[row] = -np.quantile(loudest[ordinary], 1 - ALARMS[signal]).round(3)
        recall = (loudest[others.meant[:, row] == 1] > -floors[row]).mean()
        print(f"{signal}: trust {trust[row]}, floor {floors[row]}, unseen lines heard {recall:.3f}", flush=True)
    learned = learn(
        ear,
        [*own.wholes, *others.wholes],
        np.vstack([own.meanings, others.meanings]),
        np.vstack([own.meant, others.meant]),
    )
    return Likeness(**{**vars(learned), "trust": trust, "floors": floors})


def source() -> str:
    """What tells all that the weights depend on: the phrases, the lines learned from, and the code that reads them."""
    code = [Path(module.__file__) for module in (likeness, listener, wording)]
    files = [*(EXAMPLES / name for name in (*LOOKED_AT, *AUTHORS)), *code, Path(__file__)]
    parts = [*(text for _, text in sorted(listener.own_texts().items())), *(file.read_text("utf-8") for file in files)]
    return sha256("\0".join(parts).encode()).hexdigest()


def report(ear: Listener) -> str:
    """A line a file: of how many lines each signal was heard, and how often wrongly."""
    lines = []
    for name in ("examples.yaml", *LOOKED_AT, *AUTHORS, *HELD_OUT):
        meant, heard = tally(ear, name)
        counts = [f"{signal} {heard[signal]}/{meant[signal]}" for signal in Signal]
        wrong = [f"{kind} {heard[f'ordinary: {kind}']}/{meant['ordinary']}" for kind in ("an emergency", "taper")]
        lines.append(f"{name:22} {'  '.join(counts)}  | wrongly: {'  '.join(wrong)}")
    return "\n".join(lines)


if __name__ == "__main__":
    if "--report" in sys.argv:
        print(report(listener.load(listener.own_texts())))
    else:
        learned = trained(listener.own_texts())
        with WEIGHTS.open("wb") as file:
            learned.save(file)
        RECORD.write_text(source() + "\n", "utf-8")
