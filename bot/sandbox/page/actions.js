// What a person can do. Each action asks the sandbox; the answer comes back as events.

import { clearFaults, post } from "./server.js";
import { privateChat, put, startWaiting, state } from "./state.js";
import { startPayload } from "./sanitize.js";

export const TOAST = 3500; // how long a toast is shown
const TAP_PATIENCE = 15_000; // after that a messenger stops showing a tap as busy

let changed = () => {};
let letters = 0;

/** Say once what to call after the state has changed. */
export function onChange(listener) {
  changed = listener;
}

/** The state was changed in place: draw it again. */
export const redraw = () => changed();

/** Show a few words on the phone of this person. */
export function toast(user, text) {
  state.toasts[user] = { text, at: Date.now() };
  changed();
  setTimeout(changed, TOAST + 100);
}

async function attempt(place, work) {
  delete state.troubles[place];
  try {
    return await work();
  } catch (error) {
    state.troubles[place] = error.message;
    return null;
  } finally {
    changed();
  }
}

// Messages

/** Send a text from this phone; a link that opens this bot is opened, as a messenger would. */
export function sendText(role, text) {
  const payload = startPayload(text, state.bot.username);
  return payload === null ? sendLetter(role, text, { text }) : start(role, payload);
}

export function start(role, payload = "") {
  state.phones[role].chat = privateChat(state.phones[role].user);
  const text = `/start ${payload}`.trim();
  return sendLetter(role, text, { text });
}

export function sendKind(role, kind) {
  return sendLetter(role, null, { kind });
}

export function sendForward(role, text, from) {
  return sendLetter(role, text, { text, forward_from: from });
}

export function sendFile(role, file) {
  const body = new FormData();
  body.set("user", state.phones[role].user);
  body.set("chat", state.phones[role].chat);
  body.set("kind", /^image\/(jpeg|png)$/.test(file.type) ? "photo" : "document");
  body.set("file", file);
  return sendLetter(role, null, body, file.name);
}

/** Send files that were dropped or pasted, instead of what the browser would do with them. */
export function sendDropped(role, event, files) {
  if (files.length === 0) return;
  event.preventDefault();
  for (const file of files) sendFile(role, file);
}

function sendLetter(role, said, body, label) {
  const { user, chat } = state.phones[role];
  const compose = state.compose[user];
  if (!(body instanceof FormData)) {
    body = { user, chat, ...body };
    if (compose?.mode === "reply") body.reply_to = compose.message;
  }
  delete state.compose[user];
  const letter = { id: ++letters, user, chat, said, body, label: label ?? said ?? body.kind, error: null };
  state.outbox.push(letter);
  return deliver(letter);
}

async function deliver(letter) {
  letter.error = null;
  changed();
  try {
    put(await post("messages", letter.body));
    discard(letter.id);
  } catch (error) {
    letter.error = error.message;
  }
  changed();
}

export const retry = (id) => deliver(state.outbox.find((letter) => letter.id === id));

export function discard(id) {
  state.outbox = state.outbox.filter((letter) => letter.id !== id);
  changed();
}

export function editText(role, message, text) {
  const { user } = state.phones[role];
  delete state.compose[user];
  return attempt(role, () => post("edits", { user, message_id: message, text }));
}

export async function tap(role, message, row, column) {
  const { user, chat } = state.phones[role];
  const key = `${chat}/${message}/${row}/${column}`;
  state.waiting[key] = null;
  changed();
  setTimeout(() => {
    delete state.waiting[key];
    changed();
  }, TAP_PATIENCE);
  const answer = await attempt(role, () => post("taps", { user, message_id: message, row, column }));
  if (answer) startWaiting(key, answer.callback_query_id);
  else delete state.waiting[key];
  changed();
}

export function block(role, blocked) {
  return attempt(role, () => post("block", { user: state.phones[role].user, blocked }));
}

// People

/** Rejects with the sandbox's sentence, for the form to show. */
export async function addPerson(values) {
  const user = await post("users", values);
  state.users[user.id] ??= user;
  state.chats[user.id] ??= { id: user.id, type: "private", members: [user.id], blocked: false, typing: false };
  openPerson(user.role, user.id);
}

export function openPerson(role, user) {
  state.phones[role] = { user, chat: privateChat(user) };
  state.active = role;
  changed();
}

export function openChat(role, chat) {
  state.phones[role].chat = chat;
  changed();
}

export function activate(role) {
  if (state.active === role) return;
  state.active = role;
  changed();
}

// The world around the bot

const timezone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

const moves = {
  quarter: () => ({ advance: 15 * 60 }),
  morning: () => ({ until: "morning", timezone: timezone() }),
  week: () => ({ advance: 7 * 24 * 60 * 60 }),
};

export const moveClock = (move) => attempt("bar", () => post("clock", moves[move]()));
export const restartBot = () => attempt("bar", () => post("restart"));
export const addFault = (fault) => attempt("faults", () => post("faults", fault));
export const removeFaults = () => attempt("faults", clearFaults);
