"""The gate: every text passes it on its way to a patient, and what the guard refuses is not sent (promise P5)."""

from dataclasses import dataclass, replace

from bot.render import LAST_RESORT, Rendered, Renderer
from flows.catalogue import Language
from flows.guard import Refusal, refusals


@dataclass(frozen=True, slots=True)
class Gate:
    """What a message becomes before it may leave."""

    language: Language
    renderer: Renderer

    def passed(self, message: Rendered) -> tuple[Rendered, tuple[Refusal, ...]]:
        """The message itself; or, with what was refused, a short safe text and what is left of the message.

        Of a question with a refused word around it, the question is left; of one with a refused word in it, the ways
        out, so that nobody answers what they cannot read, and nobody is stuck.
        """
        found = self.refused(message)
        if not found:
            return message, ()
        safe = self.renderer.guarded()
        if self.refused(safe):
            safe = Rendered(LAST_RESORT, [])
        left = message.bare
        while left is not None and self.refused(left):
            left = left.bare
        if left is None:
            return safe, found
        return replace(left, html=f"{safe.html}\n\n{left.html}".strip(), keyboard=left.keyboard or safe.keyboard), found

    def refused(self, message: Rendered) -> tuple[Refusal, ...]:
        """What the guard refuses in a message: in its text, in what stands in it cut short, and on its buttons."""
        found = refusals(message.html, self.language, message.echoes)
        for text in message.whole:
            found += refusals(text, self.language)
        for row in message.keyboard:
            for button in row:
                found += refusals(button["text"], self.language, message.typed, is_answer=True)
        return found

    def word(self, toast: str) -> str | None:
        """A short word on a tapped button; none when it is refused, for a tap needs no words."""
        return None if refusals(toast, self.language) else toast
