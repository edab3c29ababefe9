import { t } from "../../i18n.js";
import { may } from "../../models/permissions.js";
import { Building2, Hand, Mic, MicOff, User, Video, VideoOff, WifiOff, X } from "../../vendor/icons.mjs";
import { html, nothing, repeat } from "../../vendor/lit.mjs";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";

/** @import { Meeting } from "../../models/meeting.js" */
/** @import { Participant } from "../../models/participant.js" */
/** @import { MeetingSession } from "./session.js" */

/** Who is here, and who wants to speak, in the order of asking. Sends `dismiss` to be closed. */
export class PeoplePanel extends DcElement {
  static properties = { session: { attribute: false }, revision: { type: Number } };

  constructor() {
    super();
    /** @type {MeetingSession | null} */
    this.session = null;
    this.revision = 0;
  }

  render() {
    const meeting = this.session?.meeting;
    if (!meeting) return nothing;
    const everybody = [...meeting.participants.values()];
    return html`
      <aside class="panel" aria-label=${t("meeting.people")}>
        <header class="panel-head">
          <h2>${t("meeting.people")} <span class="badge">${everybody.length}</span></h2>
          <button type="button" class="icon-button quiet" aria-label=${t("common.close")}
            @click=${() => this.dispatchEvent(new Event("dismiss"))}>${icon(X)}</button>
        </header>
        <div class="panel-body">
          ${meeting.hands.length > 0 ? this.#hands(meeting) : nothing}
          <ul class="people">${repeat(everybody, (one) => one.id, this.#person)}</ul>
        </div>
      </aside>
    `;
  }

  /** @param {Meeting} meeting */
  #hands(meeting) {
    return html`
      <section class="hands">
        <h3>${icon(Hand)} ${t("meeting.hands")}</h3>
        <ol>${repeat(
          meeting.hands,
          (id) => id,
          (id, index) => this.#hand(meeting, id, index + 1),
        )}</ol>
      </section>
    `;
  }

  /** @param {Meeting} meeting @param {string} id @param {number} place */
  #hand(meeting, id, place) {
    const name = meeting.nameOf(id);
    const lowers = id === this.session?.selfId || this.#may("lower_others_hand");
    return html`
      <li>
        <span class="hand-place">${place}</span>
        <bdi>${name}</bdi>
        ${
          lowers
            ? html`<button type="button" class="button" aria-label=${t("meeting.hand.lower_of", { name })}
                @click=${() => this.#command("lower_hand", { participant_id: id })}>${t("meeting.hand.lower")}</button>`
            : nothing
        }
      </li>
    `;
  }

  #person = (/** @type {Participant} */ one) => {
    const own = one.id === this.session?.selfId;
    return html`
      <li class=${one.connected ? "" : "lost"}>
        ${icon(one.kind === "room" ? Building2 : User)}
        <span class="person">
          <bdi>${one.name}</bdi> ${own ? html`<span>(${t("meeting.oneself")})</span>` : nothing}
          <small>${one.connected ? t(`meeting.role.${one.role}`) : t("meeting.connection_lost")}</small>
        </span>
        ${one.connected ? this.#devices(one, own) : icon(WifiOff)}
      </li>
    `;
  };

  /** @param {Participant} one @param {boolean} own */
  #devices(one, own) {
    const speaks = one.sends("microphone");
    const camera = one.sends("camera");
    return html`
      ${speaks && !own && this.#may("mute_others") ? this.#muteButton(one) : stateMark(speaks ? Mic : MicOff, `meeting.state.microphone_${speaks ? "on" : "off"}`)}
      ${stateMark(camera ? Video : VideoOff, `meeting.state.camera_${camera ? "on" : "off"}`)}
    `;
  }

  /** @param {Participant} one */
  #muteButton(one) {
    const label = t("meeting.mute_of", { name: one.name });
    return html`
      <button type="button" class="button" aria-label=${label} title=${label}
        @click=${() => this.#command("mute", { participant_id: one.id, source: "microphone", muted: true })}>
        ${t("meeting.microphone.off")}
      </button>
    `;
  }

  /** @param {import("../../models/permissions.js").Action} action */
  #may(action) {
    return may(this.session?.self?.role, action);
  }

  /** @param {string} type @param {object} fields */
  #command(type, fields) {
    void this.session?.command(type, fields);
  }
}

/** @param {import("../icon.js").IconNode} symbol @param {string} key */
function stateMark(symbol, key) {
  return html`<span class="state-mark" role="img" aria-label=${t(key)}>${icon(symbol)}</span>`;
}

customElements.define("dc-people-panel", PeoplePanel);
