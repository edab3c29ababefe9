/**
 * Who is signed in, asked once per page.
 */
import { ApiError, get, post } from "./api.js";

/** @typedef {{ id: string, username: string, name?: string }} User */

/** @type {User | null} */
let signedIn = null;

/** @returns {User | null} as last asked by `loadUser`. */
export function user() {
  return signedIn;
}

/** Ask the server who we are; null when nobody is signed in. */
export async function loadUser() {
  try {
    signedIn = await get("/api/v1/me");
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    signedIn = null;
  }
  return signedIn;
}

/**
 * @param {string} username
 * @param {string} password
 */
export async function signIn(username, password) {
  await post("/api/v1/login", { username, password });
}

export async function signOut() {
  await post("/api/v1/logout");
  location.assign("/");
}

/**
 * What to tell when a page could not get what it shows. A session that has ended meanwhile is no error to read: the
 * page is loaded anew, and the sign-in stands in its place.
 * @param {unknown} error
 */
export function trouble(error) {
  if (error instanceof ApiError && error.status === 401) location.reload();
  return error instanceof Error ? error.message : String(error);
}
