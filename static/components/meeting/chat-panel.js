import { time } from "../../format.js";
import { t } from "../../i18n.js";
import { MAX_TEXT_LENGTH } from "../../models/chat.js";
import { Send, X } from "../../vendor/icons.mjs";
import { html, nothing, repeat } from "../../vendor/lit.mjs";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";

/** @import { ChatShape } from "../../models/shapes.js" */
/** @import { MeetingSession } from "./session.js" */

/** Closer to the end than this counts as reading along, px: then the list follows what comes. */
const FOLLOW_PX = 80;

/** What is written to everyone. Sends `dismiss` to be closed. */
export class ChatPanel extends DcElement {
  static properties = {
    session: { attribute: false },
    messages: { attribute: false },
    writable: { type: Boolean },
    sending: { state: true },
  };
  #following = true;

  constructor() {
    super();
    /** @type {MeetingSession | null} */
    this.session = null;
    /** @type {ChatShape[]} */
    this.messages = [];
    this.writable = false;
    this.sending = false;
  }

  firstUpdated() {
    this.querySelector("textarea")?.focus();
  }

  willUpdate() {
    const list = this.#list();
    this.#following = !list || list.scrollHeight - list.scrollTop - list.clientHeight < FOLLOW_PX;
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    const list = this.#list();
    if (changed.has("messages") && this.#following && list) list.scrollTop = list.scrollHeight;
  }

  /** @returns {HTMLElement | null} */
  #list() {
    return this.querySelector(".chat-messages");
  }

  render() {
    return html`
      <aside class="panel" aria-label=${t("meeting.chat")}>
        <header class="panel-head">
          <h2>${t("meeting.chat")}</h2>
          <button type="button" class="icon-button quiet" aria-label=${t("common.close")}
            @click=${() => this.dispatchEvent(new Event("dismiss"))}>${icon(X)}</button>
        </header>
        <div class="chat-messages" role="log" tabindex="0" aria-label=${t("meeting.chat.messages")}>
          ${
            this.messages.length === 0
              ? html`<p class="panel-empty">${t("meeting.chat.empty")}</p>`
              : html`<ol>${repeat(this.messages, (one) => one.message_id, this.#message)}</ol>`
          }
        </div>
        ${this.writable ? this.#form() : nothing}
      </aside>
    `;
  }

  #message = (/** @type {ChatShape} */ message) => {
    const own = message.participant_id === this.session?.selfId;
    return html`
      <li class="chat-message ${own ? "own" : ""}">
        <p class="chat-head"><bdi>${message.name}</bdi> <time datetime=${message.time}>${time(message.time)}</time></p>
        <p class="chat-text" dir="auto">${message.text}</p>
      </li>
    `;
  };

  #form() {
    return html`
      <form class="chat-form field" @submit=${this.#submit}>
        <label for="chat-text">${t("meeting.chat.to_everyone")}</label>
        <textarea id="chat-text" rows="2" maxlength=${MAX_TEXT_LENGTH} placeholder=${t("meeting.chat.placeholder")}
          @keydown=${this.#key}></textarea>
        <button type="submit" class="button primary" ?disabled=${this.sending}>
          ${icon(Send)} ${t("meeting.chat.send")}
        </button>
      </form>
    `;
  }

  /** Enter sends, with Shift it breaks the line; while a word is being composed it belongs to the input method. @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    /** @type {HTMLTextAreaElement} */ (event.target).form?.requestSubmit();
  }

  /** What was not taken stays in the field. @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    const field = /** @type {HTMLTextAreaElement} */ (this.querySelector("textarea"));
    const text = field.value.trim();
    if (!text || this.sending || !this.session) return;
    this.sending = true;
    this.#following = true;
    const taken = await this.session.command("chat", { text });
    this.sending = false;
    if (taken && field.value.trim() === text) field.value = "";
  }
}

customElements.define("dc-chat-panel", ChatPanel);
