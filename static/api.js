/**
 * The HTTP side of the server: JSON in, JSON out, signed in by cookie.
 */
import { hasText, language, t } from "./i18n.js";

/** A refusal of the server (RFC 9457), or no answer at all. `message` is a sentence to show. */
export class ApiError extends Error {
  /**
   * @param {string} code stable, for programs; `network` when the server could not be reached
   * @param {number} status HTTP status, 0 without an answer
   * @param {Partial<Record<string, string>>} [messages] the sentence by language
   */
  constructor(code, status, messages = {}) {
    super(sentence(code, messages));
    this.name = "ApiError";
    this.code = code;
    this.status = status;
  }
}

/**
 * What to tell a person about a refusal: the server's words, else ours for the code, else a general sentence.
 * @param {string} code
 * @param {Partial<Record<string, string>>} [messages]
 */
export function sentence(code, messages = {}) {
  const own = `errors.${code}`;
  return messages[language()] || (hasText(own) ? t(own) : t("common.error_general"));
}

/**
 * @param {string} path
 * @param {{ signal?: AbortSignal }} [options]
 * @returns {Promise<any>}
 */
export function get(path, options = {}) {
  return request("GET", path, undefined, options);
}

/**
 * @param {string} path
 * @param {unknown} [body]
 * @param {{ signal?: AbortSignal }} [options]
 * @returns {Promise<any>}
 */
export function post(path, body = {}, options = {}) {
  return request("POST", path, body, options);
}

/**
 * Where the minutes of a meeting are, in the language that is shown now.
 * @param {string} meetingId
 * @param {string} format
 */
export function minutesAddress(meetingId, format) {
  return `/api/v1/meetings/${meetingId}/minutes?${new URLSearchParams({ format, lang: language() })}`;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} body
 * @param {{ signal?: AbortSignal }} options
 */
async function request(method, path, body, { signal }) {
  const response = await reach(path, {
    method,
    signal,
    credentials: "same-origin",
    headers: headers(body !== undefined),
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) throw await refusal(response);
  return response.status === 204 ? null : response.json();
}

/** @param {boolean} withBody */
function headers(withBody) {
  /** @type {Record<string, string>} */
  const result = { Accept: "application/json", "Accept-Language": language() };
  if (withBody) result["Content-Type"] = "application/json";
  return result;
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function reach(path, init) {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("network", 0);
  }
}

/** @param {Response} response */
async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  const messages = problem.messages ?? { [language()]: problem.detail };
  return new ApiError(String(problem.code ?? `http_${response.status}`), response.status, messages);
}
