/** SIGKILL of a hub under load: nothing that was acknowledged is lost. (npm run crashes: a hundred times) */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, suite } from "../support/test.js";
import { crash } from "./crashes.js";

const test = suite("SIGKILL");
const folder = mkdtempSync(join(tmpdir(), "hearth-crash-"));
test.after(() => rmSync(folder, { recursive: true }));

test("what was acknowledged is delivered, QoS 2 exactly once, and Retained Messages are not older", async () => {
	const result = await crash({ data: folder, kills: 2, publishers: 20, subscribers: 2, seed: 7 });
	assert.equal(result.lost, []);
	assert.equal(result.twice, []);
	assert.equal(result.old, []);
	assert.is(result.kills, 2);
	assert.ok(result.acknowledged > 100, `${result.acknowledged} acknowledged`);
});

test.run();
