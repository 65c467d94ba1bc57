// Every sentence the page itself says, in one place: edit here.

export const roles = {
  patient: { phone: "Patient phone", add: "Add a patient", someone: "a patient" },
  clinician: { phone: "Clinician phone", add: "Add a clinician", someone: "a clinician" },
};

export const tour = {
  title: "A two-minute tour",
  lead: "Two phones, one bot, and a clock you can push. Nothing here leaves this computer.",
  steps: [
    {
      title: "Sam asks for help",
      text: "On the left phone, press Start and answer the intake. Tap a button or type, as you like.",
      done: "patientSpoke",
    },
    {
      title: "Dr. Lee is alerted",
      text: "Say yes to a worrying question, or type “I had a seizure”. The right phone is paged at once: a number and a rule, never an answer.",
      done: "clinicianAlerted",
    },
    {
      title: "A week goes by",
      text: "Finish the intake (in a hurry: /review, and for the first answer choose a person). Tap Enrol on the right, then +1 week: Sam gets the check-in.",
      done: "clockMoved",
    },
    {
      title: "Now break it",
      text: "Choose a fault, or restart the bot halfway through a question. No answer is lost, no alert goes quiet.",
      done: "broken",
    },
  ],
  alert: /\bA-\d+\b/, // how the tour recognises an alert on the clinician's phone
  foot: "Old buttons, typos, stickers, edits, a blocked bot: try what real people do.",
  shortcuts: "Keyboard shortcuts",
};

export const shortcuts = [
  ["1 … 9", "tap a button of the latest question (Alt + number while typing)"],
  ["/", "write a message"],
  ["↑", "from an empty message: to the buttons; arrows move, Enter taps"],
  ["Esc", "back to the message"],
  ["↑ ↓ in the chat", "from message to message; Enter opens its menu"],
  ["Alt + P, Alt + C", "patient phone, clinician phone"],
  ["Alt + ↑, Alt + ↓", "the next person on this phone"],
  ["Shift + Enter", "a new line"],
  ["?", "this list"],
];

export const faults = {
  title: "What should go wrong?",
  lead: "The sandbox then treats the bot as Telegram does on a bad day.",
  times: "How often",
  add: "Make it happen",
  clear: "Clear all",
  active: "Waiting to happen",
  calm: "All calls go through.",
  kinds: [
    { id: "429", name: "Too many requests", text: "429: wait 5 seconds", fault: { method: "sendMessage", kind: "429", retry_after: 5 } },
    { id: "403", name: "Forbidden", text: "403: the person blocked the bot", fault: { method: "sendMessage", kind: "403" } },
    { id: "502", name: "Telegram is ill", text: "502: bad gateway", fault: { method: "*", kind: "502" } },
    { id: "cut", name: "Cut after accept", text: "delivered, but the bot never hears so", fault: { method: "sendMessage", kind: "cut" } },
    { id: "slow", name: "Slow", text: "every call takes 4 seconds", fault: { method: "*", kind: "slow", seconds: 4 } },
    { id: "duplicate_updates", name: "Duplicates", text: "updates arrive twice", fault: { method: "*", kind: "duplicate_updates" } },
    { id: "reorder_updates", name: "Out of order", text: "updates change places", fault: { method: "*", kind: "reorder_updates" } },
  ],
  often: [["1", "once"], ["3", "3 times"], ["10", "10 times"], ["", "until cleared"]],
};

export const bot = {
  up: "Bot is up",
  restarting: "Restarting …",
  down: "Bot is down",
  connecting: "Connecting …",
  reconnecting: "Reconnecting …",
  kind: "bot",
  typing: "typing",
  blocked: "blocked",
  noRestart: "This sandbox was started without a bot it could restart",
};

export const chat = {
  empty: (name) => `What can ${name} do?`,
  emptyText: (person) => `You are holding ${person}’s phone. Press Start, and the bot says hello.`,
  emptyGroup: "No message here yet.",
  invited: "Invited by someone? Paste the invite link below and send it.",
  start: "Start",
  compose: "Message",
  composeFirst: "Message or invite link",
  blocked: "You blocked this bot. It cannot write to you.",
  unblock: "Unblock",
  editing: "Edit message",
  notSent: "Not sent.",
  retry: "Try again",
  discard: "Discard",
  edited: "edited",
  forwarded: "Forwarded from",
  newBelow: "New messages",
  ok: "OK",
  today: "Today",
  answered: "The bot has answered since",
  accepted: "Sent",
  sending: "Sending",
  copied: "Copied",
  cannotTap: "This kind of button does nothing in the sandbox",
  unsupported: "A message of a kind this page does not draw",
};

export const kindNames = {
  photo: "Photo",
  document: "Document",
  sticker: "Sticker",
  voice: "Voice message",
  location: "Location",
  contact: "Contact",
  audio: "Audio",
  video: "Video",
};

export const nobody = {
  title: (role) => `Nobody holds the ${role} phone yet`,
  text: {
    patient: "Add someone who asks for help: a name is enough.",
    clinician: "Add a clinician. They join the clinic by opening the invite link that was made for them.",
  },
};

export const person = {
  first: "First name",
  last: "Last name",
  about: "About (only for you)",
  language: "Language",
  languages: [["en", "English"], ["de", "Deutsch"], ["es", "Español"], ["fr", "Français"]],
  add: "Add",
  role: "Holds",
};

export const attach = {
  title: "Attach",
  file: "Photo or file …",
  photo: "Sample photo",
  document: "Sample document",
  sticker: "Sticker",
  voice: "Voice message",
  location: "Location",
  contact: "Contact",
  forward: "Forwarded message …",
  forwardFrom: "Written by",
  forwardText: "What it says",
  send: "Send",
};

export const menu = {
  more: "More",
  commands: "Commands",
  reply: "Reply",
  edit: "Edit",
  forward: "Forward to the bot",
  copy: "Copy text",
  block: "Block the bot",
  unblock: "Unblock the bot",
  invite: "Open an invite link …",
  inviteLink: "Invite link",
  open: "Open",
  notAnInvite: (bot) => `That is not an invite to this bot. It looks like https://t.me/${bot}?start=…`,
  shortcuts: "Keyboard shortcuts",
};

export const errors = {
  offline: "The sandbox does not answer. Is it still running?",
  unexpected: (status) => `The sandbox answered ${status} and did not say why.`,
};
