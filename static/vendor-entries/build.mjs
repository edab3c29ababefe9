// Bundle each third-party module once into static/vendor/, with a declaration beside it for the type check.
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const here = new URL("./", import.meta.url);
const out = new URL("../vendor/", import.meta.url);
const names = (await readdir(here)).filter((name) => name !== "build.mjs");
const modules = names.filter((name) => name.endsWith(".mjs"));

await rm(out, { recursive: true, force: true });
await mkdir(out);
await build({
  entryPoints: names.map((name) => new URL(name, here).pathname),
  outdir: out.pathname,
  bundle: true,
  format: "esm",
  minify: true,
  target: "es2022",
  outExtension: { ".js": ".mjs" },
  loader: { ".woff2": "file" },
  assetNames: "fonts/[name]",
  logLevel: "warning",
});
for (const name of modules) {
  await writeFile(
    new URL(name.replace(/\.mjs$/, ".d.mts"), out),
    `export * from "../vendor-entries/${name}";\n`,
  );
}
