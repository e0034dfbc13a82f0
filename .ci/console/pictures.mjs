// Pictures of the console for docs: an expansion, light and dark, and why somebody is a member.
import { spawn } from "node:child_process";
import { chromium } from "playwright-core";

const docs = new URL("../../docs/", import.meta.url).pathname;
const demo = spawn(process.env.KINDRED, ["demo", "--http", "127.0.0.1:0"], { stdio: ["ignore", "ignore", "pipe"] });
const base = await new Promise((resolve, reject) => {
  let text = "";
  demo.stderr.on("data", (piece) => {
    text += piece;
    const [, console] = /The console shows the same: (\S+)/.exec(text) ?? [];
    if (console && text.includes("The console follows")) resolve(console);
  });
  demo.on("exit", () => reject(new Error(text)));
});
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });

async function picture(name, colorScheme, height, go = async () => {}) {
  const page = await browser.newPage({ viewport: { width: 1200, height }, colorScheme, reducedMotion: "reduce" });
  await page.goto(base + "/expansion?id=vip-expansion");
  await page.getByText("The page follows what happens").waitFor();
  await go(page);
  await page.screenshot({ path: docs + name });
}
await picture("console.png", "light", 940);
await picture("console-dark.png", "dark", 940);
await picture("console-why.png", "light", 760, async (page) => {
  await page.getByRole("link", { name: /^c-/ }).first().click();
  await page.getByRole("heading", { name: "History" }).waitFor();
});
await browser.close();
demo.kill("SIGINT");
