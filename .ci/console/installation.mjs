// An installation of kindred with customers who do not exist, for as long as the tests run.
import { spawn, execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const kindred = process.env.KINDRED;

// Tokens of people who may change something, and of others.
export const editor = "ann-may-change-all-of-it", viewer = "bob-may-look-at-all-of-it";

// start serves the program and publishes customers and a segment of VIPs. It returns where the console is.
export async function start() {
  const dir = await mkdtemp(join(tmpdir(), "kindred-walk-"));
  const { KINDRED_TEST_KAFKA: kafka, KINDRED_TEST_REDIS: redis } = process.env;
  const where = kafka ? ["--kafka", kafka, "--redis", redis, "--prefix", `walk-${process.pid}.`]
    : ["--embedded", join(dir, "data"), "--kafka", "127.0.0.1:0", "--redis", "127.0.0.1:0"];
  await writeFile(join(dir, "tokens"), `ann ${editor} editor\nbob ${viewer} viewer\n`, { mode: 0o600 });
  const http = ["--http", "127.0.0.1:0", "--token-file", join(dir, "tokens")];
  const server = spawn(kindred, ["serve", ...where, ...http, "--partitions", "3"], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((resolve) => server.on("exit", resolve));
  process.once("exit", () => server.kill("SIGTERM")); // also when the walk fails before it can be stopped in order
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
  const said = await new Promise((resolve, reject) => {
    let text = "";
    server.stderr.on("data", (piece) => {
      text += piece;
      if (/msg=serving.* http=\S+/.test(text)) resolve(text);
    });
    ended.then((code) => reject(new Error(`serve ended with ${code}: ${text}`)));
  });
  const [, base] = /msg=serving.* http=(\S+)/.exec(said);
  const embedded = /embedded Kafka at (\S+), .*embedded Redis at (\S+)/.exec(said);
  const same = embedded ? ["--kafka", embedded[1], "--redis", embedded[2]] : where;
  const command = (...args) => promisify(execFile)(kindred, [...args, ...same]);
  const { profiles, vips } = customers(6000);
  await writeFile(join(dir, "customers.csv"), profiles);
  await writeFile(join(dir, "vips.txt"), vips);
  await command("load", "profiles", join(dir, "customers.csv"), "--id", "customerId", "--sensitive", "Religion");
  await command("load", "segment", join(dir, "vips.txt"), "--segment", "vip", "--name", "VIP customers");
  return {
    base: `http://${base}`,
    command,
    async stop() {
      server.kill("SIGTERM");
      await ended;
      await rm(dir, { recursive: true });
    },
  };
}

// customers makes up customers; those of a gold membership in Oslo are VIPs more often than others.
function customers(count) {
  let state = 1;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const one = (...of) => of[Math.floor(random() * of.length)];
  const rows = ["customerId,City,Membership,Channel,Age,Religion"], vips = [];
  for (let i = 0; i < count; i++) {
    const id = `c-${String(i).padStart(5, "0")}`, city = one("Oslo", "Bergen", "Trondheim", "Tromsø"), membership = one("gold", "silver", "none");
    rows.push([id, city, membership, one("app", "web", "shop"), 18 + Math.floor(random() * 60), one("a", "b")].join(","));
    if (random() < 0.02 + (membership === "gold" ? 0.1 : 0) + (city === "Oslo" ? 0.06 : 0)) vips.push(id);
  }
  return { profiles: rows.join("\n") + "\n", vips: vips.join("\n") + "\n" };
}
