/** @import { ChatShape } from "./shapes.js" */

/** The longest message the server takes (PROTOCOL.md, `chat`), in characters. */
export const MAX_TEXT_LENGTH = 2000;

/** What was written in a meeting, in the order of the log, and how much of it has been read here. */
export class Chat {
  /** @type {ChatShape[]} */
  messages = [];
  #read = 0;

  /** @param {ChatShape[]} messages */
  constructor(messages = []) {
    this.messages = [...messages];
  }

  /** @param {ChatShape} message */
  add(message) {
    if (this.messages.some((known) => known.message_id === message.message_id)) return;
    this.messages = [...this.messages, message];
  }

  get unread() {
    return this.messages.length - this.#read;
  }

  markRead() {
    this.#read = this.messages.length;
  }

  /** After a fresh snapshot: what had been read stays read. @param {Chat} previous */
  readAs(previous) {
    this.#read = Math.min(previous.messages.length - previous.unread, this.messages.length);
  }
}
