"""How much each story asks of its person: `python -m tests.stories [NAME]`."""

import sys

from bot.render import Renderer
from flows import catalogue
from tests.stories.story import INSTRUMENT, TAP, TYPED, played, stories

if __name__ == "__main__":
    content = catalogue.load()
    renderer = Renderer(content, strict=True)
    rule = [f"{int(time.total_seconds())} s" for time in (TAP, TYPED, INSTRUMENT)]
    print("A tap takes {}, a typed answer {}, an item of PHQ, GAD, ASQ or AUDIT-C {}.".format(*rule))
    for story in stories():
        if len(sys.argv) == 1 or any(name in story.name for name in sys.argv[1:]):
            print(f"\n{story.name}: {story.who.strip()}")
            for effort in played(story, content, renderer):
                minutes = effort.time.total_seconds() / 60
                print(f"  {effort.form:10} {effort.taps:3} taps, {effort.typed:2} typed, {minutes:4.1f} minutes")
