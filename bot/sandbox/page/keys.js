// Shortcuts that work anywhere on the page.

import { showShortcuts } from "./dialogs.js";
import { activate } from "./actions.js";
import { state } from "./state.js";

const writing = (node) => node.matches("input, textarea, select");

/** `phones`: role -> phone. Codes rather than keys with Alt, because Alt changes what a key writes on some systems. */
export function setUpKeys(phones, closeTour) {
  const act = {
    digit: (number) => phones[state.active].tapNumber(number),
    phone(role) {
      activate(role);
      phones[role].focusComposer();
    },
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || document.querySelector("dialog[open], :popover-open")) return;
    const digit = /^Digit([1-9])$/.exec(event.code)?.[1] ?? /^[1-9]$/.exec(event.key)?.[0];
    const free = !writing(event.target);
    if (digit && (event.altKey || (free && !event.shiftKey))) act.digit(Number(digit));
    else if (event.altKey && event.code === "KeyP") act.phone("patient");
    else if (event.altKey && event.code === "KeyC") act.phone("clinician");
    else if (event.altKey && event.code === "ArrowUp") phones[state.active].step(-1);
    else if (event.altKey && event.code === "ArrowDown") phones[state.active].step(1);
    else if (free && event.key === "/") phones[state.active].focusComposer();
    else if (free && event.key === "?") showShortcuts();
    else if (event.key === "Escape") {
      closeTour();
      return;
    } else return;
    event.preventDefault();
  });
}
