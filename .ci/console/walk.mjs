// A walk through the console as a person takes it: with the mouse, by the keyboard alone, and without script. Every page is looked
// at with axe, in three widths, light and dark. Nothing may be reported to the browser's console, errors of the policy included.
import { strict as assert } from "node:assert";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";
import { editor, start, viewer } from "./installation.mjs";

let installation, browser, axe;

before(async () => {
  axe = await readFile(new URL(import.meta.resolve("axe-core/axe.min.js")), "utf8");
  installation = await start();
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});
after(async () => {
  await browser?.close();
  await installation?.stop();
});

// visit logs in to the console and returns its page. What the browser complains about is kept in complaints.
async function visit(options = {}, token = editor) {
  const context = await browser.newContext({ baseURL: installation.base, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.complaints = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && page.complaints.push(message.text()));
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  await page.goto("/");
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Log in" }).press("Enter");
  await page.getByRole("heading", { name: "Segments" }).waitFor();
  return page;
}

// Three ways to do the same.
const byMouse = {
  press: (target) => target.click(),
  fill: (target, text) => target.fill(text),
};
const byKeyboard = {
  async press(target) {
    await tabTo(target);
    await target.page().keyboard.press("Enter");
  },
  async fill(target, text) {
    await tabTo(target);
    await target.page().keyboard.press("Control+a");
    await target.page().keyboard.type(text);
  },
};

// tabTo presses Tab until something has the focus, which must then show.
async function tabTo(target) {
  await target.waitFor();
  for (let i = 0; i < 300; i++) {
    await target.page().keyboard.press("Tab");
    if (await target.evaluate((e) => e === document.activeElement)) {
      assert.notEqual(await target.evaluate((e) => getComputedStyle(e).outlineStyle), "none", "nobody sees where the focus is");
      return;
    }
  }
  assert.fail(`Tab never reaches ${target}`);
}

// story expands a segment, looks at what came of it, changes it, and deletes it. seen waits until something shows on a page.
async function story(page, name, { press, fill }, seen) {
  const link = (name) => page.getByRole("link", { name, exact: true }), button = (name) => page.getByRole("button", { name, exact: true });
  const field = (name) => page.getByRole("checkbox", { name: new RegExp(`^${name}`) });

  // Choose a segment, review the fields, try.
  await press(link("Expand VIP customers"));
  await page.getByRole("heading", { name: "Expand a segment" }).waitFor();
  assert.match(await page.getByLabel("Name", { exact: true }).inputValue(), /^VIP customers Expansion/);
  await fill(page.getByLabel("Name", { exact: true }), name);
  await fill(page.getByLabel("Id", { exact: true }), name.replaceAll(" ", "-"));
  assert.ok(await field("City").isChecked(), "City is recommended, and not ticked");
  assert.ok(!(await field("Age").isChecked()), "Age is not recommended, and ticked");
  assert.ok(await field("Religion").isDisabled(), "Religion is sensitive, and can be ticked");
  await page.getByText("An expansion profiles people by automated means").waitFor();
  await fill(page.getByLabel("Share in percent"), "30");
  await press(button("Try"));
  await seen(button("Run it like this"));
  await page.getByText("nothing was published").waitFor();

  // Run it as it was tried, watch it, read what it found.
  await press(button("Run it like this"));
  await seen(link("See the expansion"));
  await press(link("See the expansion"));
  await page.getByRole("heading", { name }).waitFor();
  const similarity = page.getByRole("region", { name: "Similarity, as a table" }).getByRole("row");
  assert.equal(await similarity.count(), 5, "four bands and a heading");
  await page.getByRole("img", { name: /^Reach/ }).waitFor();
  await page.getByText("best 30 % of").first().waitFor();

  // Members, one of them, and why.
  await press(link("All members"));
  const customer = page.getByRole("link", { name: /^c-\d+$/ }).first();
  const id = await customer.textContent();
  await press(customer);
  await page.getByRole("heading", { name: id }).waitFor();
  await page.getByRole("heading", { name: "Raises the score" }).waitFor();
  await page.getByRole("cell", { name: "entered" }).first().waitFor();
  await page.goBack();
  await fill(page.getByLabel("Find a customer by id"), "c-99999");
  await press(button("Find"));
  await page.getByText("nothing is known of the customer").waitFor();

  // Change it: the difference first.
  await press(page.getByRole("navigation").getByRole("link", { name: "Segments" }));
  await press(link(name));
  await press(link("Edit"));
  await fill(page.getByLabel("Share in percent"), "10");
  await press(button("See what changes"));
  await page.getByText("the best 30 % of those who are similar").waitFor();
  await page.getByText("the best 10 % of those who are similar").waitFor();
  await press(button("Change it and run"));
  await seen(link("See the expansion"));
  await press(link("See the expansion"));
  await page.getByText("best 10 % of").first().waitFor();

  // Refresh, rename, delete.
  await press(button("Refresh"));
  await seen(link("See the expansion"));
  await press(link("See the expansion"));
  await press(link("Rename"));
  await fill(page.getByLabel("Name"), `${name}, renamed`);
  await press(button("Rename"));
  await seen(link("See the expansion"));
  await press(link("See the expansion"));
  await seen(page.getByRole("heading", { name: `${name}, renamed` }));
  await press(link("Delete"));
  await page.getByText("This cannot be undone").waitFor();
  await press(button("Delete it"));
  await seen(page.getByText("successful", { exact: true }));
  await page.goto("/");
  await seen(link("VIP customers"));
  assert.equal(await link(`${name}, renamed`).count(), 0, "it was deleted and is still there");
}

const follows = (target) => target.waitFor(); // the page brings it by itself

describe("the story", { concurrency: true }, () => {
  test("with the mouse", async () => {
    const page = await visit();
    await story(page, "By mouse", byMouse, follows);
    assert.deepEqual(page.complaints, []);
  });

  test("by the keyboard alone", async () => {
    const page = await visit();
    await story(page, "By keyboard", byKeyboard, follows);
    assert.deepEqual(page.complaints, []);
  });

  test("without script", async () => {
    const page = await visit({ javaScriptEnabled: false });
    await story(page, "Without script", byMouse, async (target) => {
      for (const until = Date.now() + 15_000; !(await target.isVisible()); await page.reload()) {
        assert.ok(Date.now() < until, `${target} does not show`);
      }
    });
  });
});

test("who may only look is offered nothing to change", async () => {
  const page = await visit({}, viewer);
  assert.equal(await page.getByRole("link", { name: /Expand/ }).count(), 0);
  assert.equal((await page.goto("/expand?source=vip")).status(), 403);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
});

test("the first Tab leads past the navigation", async () => {
  const page = await visit();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
});

test("every page is accessible, and fits", async () => {
  await installation.command("expand", "vip", "--wait");
  await installation.command("expand", "vip", "--id", "few", "--field", "Religion", "--wait").catch(() => {}); // its run fails
  const pages = ["/", "/?q=nobody", "/expand", "/expand?source=vip", "/expansion?id=vip-expansion", "/drift?id=vip-expansion",
    "/members?id=vip-expansion", "/members?id=vip-expansion&who=held-out", "/why?id=vip-expansion&customer=c-00001",
    "/edit?id=vip-expansion", "/rename?id=vip-expansion", "/delete?id=vip-expansion", "/runs", "/runs?id=few", "/fields",
    "/fields?segment=vip", "/health", "/nowhere", "/login", ...(await runs())];
  const look = async () => {
    const page = await visit({ bypassCSP: true }); // for axe, which is put into the page
    for (let at = pages.shift(); at; at = pages.shift()) {
      await page.goto(at);
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
      await page.evaluate(axe);
      for (const width of [320, 768, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${at} is wider than ${width} px`);
        for (const colorScheme of ["light", "dark"]) {
          await page.emulateMedia({ colorScheme });
          const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
          const found = violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`);
          assert.deepEqual(found, [], `${at} at ${width} px, ${colorScheme}`);
        }
      }
    }
  };
  await Promise.all([look(), look()]);
});

// runs returns the addresses of the runs that there are.
async function runs() {
  const page = await visit();
  await page.goto("/runs");
  const links = await page.locator('a[href^="/run?"]').evaluateAll((all) => all.map((a) => a.getAttribute("href")));
  assert.ok(links.length > 0, "there are no runs");
  return links.slice(0, 4);
}
