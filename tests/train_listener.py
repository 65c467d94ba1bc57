"""`python -m tests.train_listener`: learns the listener's weights from examples.yaml and writes weights.json.

Run it after any change to flows/content/phrases/; tests/flows/test_listener.py fails until it was.
"""

from pathlib import Path

from flows import listener

if __name__ == "__main__":
    weights = Path(listener.__file__).parent / "content" / "phrases" / listener.WEIGHTS
    weights.write_text(listener.trained(listener.own_texts()), "utf-8")
