/**
 * Entry of every page: the language, who is signed in, then the one element the address asks for.
 *
 * Pages are loaded when needed, so that a guest who opens a meeting does not wait for the archive. A page that needs
 * an account shows the sign-in in its place, at the same address, so that a link in a letter leads where it said.
 */
import { loadLanguage } from "./i18n.js";
import { needsUser, route, showsUser } from "./routes.js";
import { loadUser } from "./session.js";

/** @type {Record<import("./routes.js").Page, () => Promise<unknown>>} */
const MODULES = {
  home: () => import("./components/home/home-page.js"),
  "sign-in": () => import("./components/home/sign-in-page.js"),
  setup: () => import("./components/home/setup-page.js"),
  meeting: () => import("./components/meeting/meeting-page.js"),
  archive: () => import("./components/archive/archive-page.js"),
  recording: () => import("./components/archive/recording-page.js"),
  missing: () => import("./components/home/missing-page.js"),
};

async function start() {
  const asked = route(location.pathname);
  const [user] = await Promise.all([showsUser(asked) ? loadUser() : null, loadLanguage()]);
  const { page, ...attributes } = user || !needsUser(asked) ? asked : route("/sign-in");
  await MODULES[page]();
  show(`dc-${page}-page`, attributes);
}

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 */
function show(tag, attributes) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  document.getElementById("app")?.replaceChildren(element);
}

start().catch((error) => {
  console.error(error);
  document.getElementById("trouble")?.removeAttribute("hidden");
});
