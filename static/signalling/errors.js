/** @import { Messages } from "../models/shapes.js" */

/**
 * The server refused, or did not answer. Codes of our own, beside the server's:
 * `offline` there is no connection now; `no_answer` none came in time; `bad_answer` it was not what PROTOCOL.md says.
 */
export class SignallingError extends Error {
  /** @param {string} code @param {Messages} [messages] the server's sentence, by language */
  constructor(code, messages = {}) {
    super(code);
    this.name = "SignallingError";
    this.code = code;
    this.messages = messages;
  }
}

/**
 * What the server says when it refuses a connection: in `data`, or only as the message of the error.
 * @param {Error & {data?: any}} error
 */
export function refusalOf(error) {
  return new SignallingError(String(error.data?.code ?? "refused"), error.data?.messages);
}

/**
 * The content of an acknowledgement. Throws a SignallingError for a refusal or for what is no acknowledgement.
 * @param {any} ack
 */
export function unwrap(ack) {
  if (ack?.ok === true) return ack;
  if (ack?.ok === false && ack.error?.code) throw new SignallingError(ack.error.code, ack.error.messages);
  throw new SignallingError("bad_answer");
}
