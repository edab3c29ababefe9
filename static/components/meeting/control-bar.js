import { t } from "../../i18n.js";
import { may } from "../../models/permissions.js";
import * as icons from "../../vendor/icons.mjs";
import { html, nothing } from "../../vendor/lit.mjs";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";
import { prefer } from "./preferences.js";
import "./share-choice.js";
import { deviceToggle } from "./toggles.js";

/** @import { Meeting } from "../../models/meeting.js" */
/** @import { Participant } from "../../models/participant.js" */
/** @import { Hint } from "../../models/shapes.js" */
/** @import { IconNode } from "../icon.js" */
/** @import { MeetingSession } from "./session.js" */

/** @typedef {"" | "chat" | "people"} Panel */
/** @typedef {{symbol: IconNode, label: string, act: () => void, tone?: string, pressed?: boolean, mark?: number}} Control */

/** Telephones cannot share their screen from a browser. */
const SHARES = typeof navigator !== "undefined" && Boolean(navigator.mediaDevices?.getDisplayMedia);

/**
 * The buttons under a meeting, as many as the role has. Commands go to the session; `panel` (detail: Panel), `share`,
 * `leave` and `end` are for the room to do.
 */
export class ControlBar extends DcElement {
  static properties = { session: { attribute: false }, revision: { type: Number }, panel: {} };

  constructor() {
    super();
    /** @type {MeetingSession | null} */
    this.session = null;
    this.revision = 0;
    /** @type {Panel} */
    this.panel = "";
  }

  render() {
    const { session } = this;
    const self = session?.self;
    if (!session?.meeting || !self) return nothing;
    return html`
      <div class="controls" role="group" aria-label=${t("meeting.controls")}>
        <div class="control-group">${this.#own(session, self)}</div>
        <div class="control-group">${this.#panels(session.meeting)}</div>
        ${may(self.role, "record") ? html`<div class="control-group">${this.#recording(session.meeting)}</div>` : nothing}
        <div class="control-group">${this.#exits(self)}</div>
      </div>
    `;
  }

  /** @param {MeetingSession} session @param {Participant} self */
  #own(session, self) {
    if (!may(self.role, "publish")) return nothing;
    return html`
      ${deviceToggle(session.local, "microphone")} ${deviceToggle(session.local, "camera")}
      ${SHARES ? this.#share(session) : nothing} ${may(self.role, "raise_hand") ? this.#hand(session) : nothing}
    `;
  }

  /** @param {MeetingSession} session */
  #share(session) {
    const sharing = session.local.screen.screen !== undefined;
    const share = control({
      symbol: sharing ? icons.ScreenShareOff : icons.ScreenShare,
      label: t(sharing ? "meeting.share.stop" : "meeting.share.start"),
      tone: sharing ? "active" : "",
      act: () => this.#tell("share"),
    });
    return html`
      <div class="control-pair">
        ${share}
        <dc-share-choice .hint=${session.screenHint}
          @choose=${(/** @type {CustomEvent} */ event) => chooseHint(session, event.detail)}></dc-share-choice>
      </div>
    `;
  }

  /** @param {MeetingSession} session */
  #hand(session) {
    const raised = session.meeting?.hands.includes(session.selfId) ?? false;
    return control({
      symbol: icons.Hand,
      label: t(raised ? "meeting.hand.lower" : "meeting.hand.raise"),
      tone: raised ? "raised" : "",
      act: () => void session.command(raised ? "lower_hand" : "raise_hand"),
    });
  }

  /** @param {Meeting} meeting */
  #panels({ chat, participants }) {
    const unread = this.panel === "chat" ? 0 : chat.unread;
    return html`
      ${this.#panelButton("chat", icons.MessageSquare, "meeting.chat", unread)}
      ${this.#panelButton("people", icons.Users, "meeting.people", participants.size)}
    `;
  }

  /** @param {Panel} panel @param {IconNode} symbol @param {string} key @param {number} mark */
  #panelButton(panel, symbol, key, mark) {
    const pressed = this.panel === panel;
    return control({
      symbol,
      label: t(key),
      pressed,
      mark,
      act: () => this.#tell("panel", pressed ? "" : panel),
    });
  }

  /** @param {Meeting} meeting */
  #recording({ recording }) {
    if (!recording) return this.#command(icons.CircleDot, "meeting.recording.start", "start_recording");
    const paused = recording.state === "paused";
    return html`
      ${
        paused
          ? this.#command(icons.Play, "meeting.recording.resume", "resume_recording")
          : this.#command(icons.Pause, "meeting.recording.pause", "pause_recording")
      }
      ${this.#command(icons.CircleStop, "meeting.recording.stop", "stop_recording")}
    `;
  }

  /** @param {IconNode} symbol @param {string} key @param {string} type */
  #command(symbol, key, type) {
    return control({ symbol, label: t(key), act: () => void this.session?.command(type) });
  }

  /** @param {Participant} self */
  #exits(self) {
    const leave = {
      symbol: icons.LogOut,
      label: t("meeting.leave"),
      tone: "danger",
      act: () => this.#tell("leave"),
    };
    const end = {
      symbol: icons.PhoneOff,
      label: t("meeting.end"),
      tone: "grave",
      act: () => this.#tell("end"),
    };
    return html`${control(leave)} ${may(self.role, "end_meeting") ? control(end) : nothing}`;
  }

  /** @param {string} type @param {string} [detail] */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** @param {MeetingSession} session @param {Hint} hint */
function chooseHint(session, hint) {
  prefer({ share: hint });
  session.hintScreen(hint);
}

/** @param {Control} control */
function control({ symbol, label, act, tone = "", pressed, mark = 0 }) {
  return html`
    <button type="button" class="control ${tone}" title=${label} aria-pressed=${pressed ?? nothing} @click=${act}>
      ${icon(symbol)}<span>${label}</span>
      ${mark > 0 ? html`<span class="control-mark" aria-hidden="true">${mark}</span>` : nothing}
    </button>
  `;
}

customElements.define("dc-control-bar", ControlBar);
