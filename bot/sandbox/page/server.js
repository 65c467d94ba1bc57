// The sandbox's human side over HTTP, and its stream of events.

import { errors } from "./words.js";

/** The sandbox said no; the message is the sentence to show. */
export class Refused extends Error {}

async function call(method, path, body) {
  const form = body instanceof FormData;
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body && !form ? { "Content-Type": "application/json" } : {},
      body: form ? body : body && JSON.stringify(body),
    });
  } catch {
    throw new Refused(errors.offline);
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Refused(answer?.error ?? errors.unexpected(response.status));
  return answer;
}

export const getState = () => call("GET", "/sandbox/state");
export const post = (what, body) => call("POST", `/sandbox/${what}`, body ?? {});
export const clearFaults = () => call("DELETE", "/sandbox/faults");

/**
 * Follow the sandbox for ever. After every (re)connection the whole state is read once, and what arrived meanwhile
 * is applied after it, so that nothing is missed and nothing is overtaken.
 */
export function follow({ loaded, happened, lost }) {
  let wait = 500;
  let waiting = [];

  function connect() {
    const source = new EventSource("/sandbox/events");
    let over = false;
    waiting = [];

    function again() {
      if (over) return;
      over = true;
      source.close();
      lost();
      setTimeout(connect, wait);
      wait = Math.min(wait * 2, 4000);
    }

    source.onopen = async () => {
      try {
        loaded(await getState());
      } catch {
        again();
        return;
      }
      wait = 500;
      const missed = waiting;
      waiting = null;
      missed.forEach(happened);
    };
    source.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      if (waiting) waiting.push(event);
      else happened(event);
    };
    source.onerror = again;
  }

  connect();
}
