// Everything the page knows, and how an event of the sandbox changes it. Nothing here touches the document.

export const roles = ["patient", "clinician"];

export const state = {
  connection: "connecting", // connecting | live | reconnecting
  bot: null,
  botStatus: "up",
  offset: 0, // sandbox time minus this machine's time, in milliseconds
  moved: false,
  users: {},
  chats: {},
  messages: {}, // chat id -> message id -> message
  commands: [],
  faults: [],
  broke: false,
  controls: { restart: false },
  phones: { patient: { user: null, chat: null }, clinician: { user: null, chat: null } },
  active: "patient",
  seen: {}, // "user/chat" -> the last message id this person has looked at
  typing: {}, // chat id -> when the dots stop, in this machine's time
  outbox: [], // {id, user, chat, body, error}: on the way, or refused
  compose: {}, // user id -> {mode: "reply" | "edit", message}
  waiting: {}, // "chat/message/row/column" -> callback query id, or null before the sandbox named it
  folded: {}, // chat id -> id of the message whose reply keyboard the person put away
  toasts: {}, // user id -> {text, at}
  alerts: {}, // user id -> texts to be confirmed
  troubles: {}, // role or "bar" -> a sentence
};

const answered = new Set();

/** Take over a whole snapshot: the first, or the one after a lost connection. */
export function load(snapshot) {
  const first = state.bot === null;
  state.connection = "live";
  state.bot = snapshot.bot;
  state.controls = snapshot.controls ?? { restart: false };
  state.commands = snapshot.commands ?? [];
  state.faults = snapshot.faults ?? [];
  state.botStatus = snapshot.bot.status ?? "up";
  setClock(snapshot.now);
  state.users = byId(snapshot.users);
  state.chats = byId(snapshot.chats);
  state.messages = {};
  snapshot.messages.forEach(put);
  state.waiting = {};
  state.typing = {};
  for (const role of roles) settlePhone(role);
  for (const user of Object.values(state.users)) for (const chat of chatsOf(user.id)) settleSeen(user.id, chat.id, first);
}

const changes = {
  message: ({ message }) => {
    put(message);
    if (message.from?.is_bot) delete state.typing[message.chat.id];
    else confirmSent(message);
  },
  edited: ({ message }) => put(message),
  deleted: ({ chat_id, message_id }) => delete state.messages[chat_id]?.[message_id],
  typing: ({ chat_id, until }) => {
    if (until) state.typing[chat_id] = Date.now() + 5000;
    else delete state.typing[chat_id];
  },
  callback_answer: (answer) => {
    answered.add(answer.callback_query_id);
    stopWaiting(answer.callback_query_id);
    if (answer.text && answer.show_alert) (state.alerts[answer.user_id] ??= []).push(answer.text);
    else if (answer.text) state.toasts[answer.user_id] = { text: answer.text, at: Date.now() };
  },
  clock: ({ now }) => setClock(now),
  user: ({ user, chat }) => {
    state.users[user.id] = user;
    if (chat) state.chats[chat.id] = chat;
    settlePhone(user.role);
  },
  chat: ({ chat }) => {
    state.chats[chat.id] = { ...state.chats[chat.id], ...chat };
  },
  commands: ({ commands }) => {
    state.commands = commands;
  },
  faults: ({ faults }) => {
    state.faults = faults;
    state.broke ||= faults.length > 0;
  },
  bot: ({ status }) => {
    state.botStatus = status;
    state.broke ||= status !== "up";
  },
};

/** Apply one event of the stream. Events of a kind this page does not know are left alone. */
export function apply(event) {
  changes[event.type]?.(event);
}

/** Keep a message, whether it came with a snapshot, an event or the answer to a request. */
export function put(message) {
  (state.messages[message.chat.id] ??= {})[message.message_id] = message;
}

function byId(things) {
  return Object.fromEntries(things.map((thing) => [thing.id, thing]));
}

function setClock(now) {
  const offset = Date.parse(now) - Date.now();
  if (state.offset && offset - state.offset > 60_000) state.moved = true;
  state.offset = offset;
}

function settlePhone(role) {
  const phone = state.phones[role];
  if (state.users[phone.user]?.role === role && state.chats[phone.chat]) return;
  const [someone] = peopleOf(role);
  phone.user = someone?.id ?? null;
  phone.chat = someone ? privateChat(someone.id) : null;
}

// After a reload everything counts as seen; after a reconnection, only what was seen before.
function settleSeen(user, chat, first) {
  const last = lastId(chat);
  const key = `${user}/${chat}`;
  state.seen[key] = first ? last : Math.min(state.seen[key] ?? 0, last);
}

// The stream may overtake the answer to the request that sent this message.
function confirmSent(message) {
  const said = message.text ?? message.caption ?? null;
  const index = state.outbox.findIndex(
    (letter) => !letter.error && letter.chat === message.chat.id && letter.user === message.from?.id && letter.said === said,
  );
  if (index >= 0) state.outbox.splice(index, 1);
}

/** A button has been tapped and the sandbox has named the query; it may have been answered already. */
export function startWaiting(key, queryId) {
  if (answered.has(queryId)) delete state.waiting[key];
  else if (key in state.waiting) state.waiting[key] = queryId;
}

function stopWaiting(queryId) {
  for (const [key, id] of Object.entries(state.waiting)) if (id === queryId) delete state.waiting[key];
}

// Reading

export const now = () => new Date(Date.now() + state.offset);
export const peopleOf = (role) => Object.values(state.users).filter((user) => user.role === role);
export const messagesOf = (chat) => Object.values(state.messages[chat] ?? {});
export const privateChat = (user) => (state.chats[user] ? user : (chatsOf(user)[0]?.id ?? null));
export const isTyping = (chat) => (state.typing[chat] ?? 0) > Date.now();

const lastId = (chat) => messagesOf(chat).at(-1)?.message_id ?? 0;

export function chatsOf(user) {
  return Object.values(state.chats)
    .filter((chat) => chat.members?.includes(user) || chat.id === user)
    .sort((a, b) => (b.id === user) - (a.id === user));
}

export function unreadIn(user, chat) {
  const seen = state.seen[`${user}/${chat}`] ?? 0;
  return messagesOf(chat).filter((message) => message.message_id > seen && message.from?.id !== user).length;
}

export function unread(user) {
  return chatsOf(user).reduce((sum, chat) => sum + unreadIn(user, chat.id), 0);
}

/** The person of this phone looks at the chat that is open on it. */
export function look(role) {
  const { user, chat } = state.phones[role];
  if (user !== null && chat !== null) state.seen[`${user}/${chat}`] = lastId(chat);
}

/** The newest message with buttons: the one that number keys tap. */
export function latestKeyboard(chat) {
  return messagesOf(chat).findLast((message) => message.reply_markup?.inline_keyboard?.length) ?? null;
}

/** The reply keyboard now in force, or null. */
export function replyKeyboard(chat) {
  const message = messagesOf(chat).findLast(
    ({ reply_markup: markup }) => markup && ("keyboard" in markup || "remove_keyboard" in markup),
  );
  return message?.reply_markup.keyboard ? { id: message.message_id, ...message.reply_markup } : null;
}

export const lettersIn = (chat) => state.outbox.filter((letter) => letter.chat === chat);
