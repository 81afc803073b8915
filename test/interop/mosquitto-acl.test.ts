/** Rights files: Mosquitto and the hub get the same file and the same clients, and must let the same messages pass. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadAclFile } from "../../host-sim/users/acl-file.js";
import { Random } from "../model/random.js";
import { assert, suite } from "../support/test.js";
import { Raw } from "./raw.js";
import { has, NOTHING_HELD, Running, TestHub, until } from "./support.js";

const test = suite("rights, as Mosquitto has them");
const withMosquitto = test.if(has("mosquitto"), "mosquitto is not installed");
const folder = mkdtempSync(join(tmpdir(), "hearth-acl-"));

/** Client Identifier and user name */
type Who = readonly [clientId: string, userName?: string];

const CLIENTS: readonly Who[] = [
	["one"],
	["one", "ann"],
	["two", "ben"],
	["ann", "one"],
	["a/b", "ben"],
	["three", "c d"],
	["plus+", "ann"],
	["four", "ha#sh"],
	["$x", "$x"],
];
const TOPICS = [
	...["a", "b", "a/b", "a/b/c", "/a", "a/", "one", "ann", "x/one", "x/ann", "x/ben", "x/a/b", "x/two/set", "x/c d"],
	...[
		"x/one/ann",
		"x/ann/one",
		"x/ben/two",
		"xone",
		"x/preone",
		"x/oneone",
		"x/%c",
		"x/%u",
		"$x/a",
		"$x/one",
		"$x/ann",
	],
];

/** A broker to compare with. */
async function startMosquitto(aclFile: string): Promise<{ port: number; running: Running }> {
	for (;;) {
		const server = createServer().listen(0, "127.0.0.1");
		await until(() => server.listening, "a port is free");
		const { port } = server.address() as { port: number };
		server.close();
		const config = join(folder, `mosquitto-${port}.conf`);
		writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\nacl_file ${aclFile}\nuser root\n`);
		const running = new Running("mosquitto", ["-c", config, "-v"]);
		const done = () => /mosquitto version .* running|Error|in use/.test(running.stderr);
		await Promise.race([until(done, "mosquitto runs"), running.finished]);
		if (/running/.test(running.stderr)) return { port, running };
		if (!/in use/.test(running.stderr)) throw new Error(running.stderr);
	}
}

/** A client that came in, and the topics of what it got. */
class Peer {
	topics: string[] = [];
	private answers = 0;

	private constructor(readonly raw: Raw) {
		raw.each((packet) => {
			if (packet.cmd === "publish") this.topics.push(packet.topic);
			else this.answers++;
		});
	}

	static async enter(port: number, [clientId, username]: Who): Promise<Peer> {
		const login = username === undefined ? {} : { username, password: Buffer.from("x") };
		const peer = new Peer(await Raw.client(port, clientId, 4, login));
		const subscriptions = ["#", "$x/#"].map((topic) => ({ topic, qos: 0 as const }));
		peer.raw.send({ cmd: "subscribe", messageId: 1, subscriptions });
		await until(() => peer.answers === 1, "SUBACK comes");
		return peer;
	}

	/** All that was sent before is done, and all that came of it has come. */
	async settle(): Promise<void> {
		const before = this.answers;
		this.raw.send({ cmd: "pingreq" });
		await until(() => this.answers > before, "PINGRESP comes");
	}

	async publishAll(): Promise<void> {
		for (const topic of TOPICS)
			this.raw.send({ cmd: "publish", topic, payload: "x", qos: 0, dup: false, retain: false });
		await this.settle();
	}
}

/** @returns what each client may write and read, as lines */
async function found(port: number): Promise<string[]> {
	const lines: string[] = [];
	const admin = await Peer.enter(port, ["admin", "admin"]);
	for (const who of CLIENTS) {
		const client = await Peer.enter(port, who);
		const name = `${who[0]} ${who[1] ?? "(anonymous)"}`;
		await client.publishAll();
		await admin.settle();
		for (const topic of admin.topics) lines.push(`${name} writes ${topic}`);
		client.topics = [];
		admin.topics = [];
		await admin.publishAll();
		await client.settle();
		for (const topic of client.topics) lines.push(`${name} reads ${topic}`);
		admin.topics = [];
		await client.raw.leave();
	}
	await admin.raw.leave();
	return lines;
}

const ADMIN = "user admin\ntopic #\ntopic $x/#\n";

/** Runs both with the file. @returns how many lines both agree on */
async function compare(text: string): Promise<number> {
	const file = join(folder, "acl");
	writeFileSync(file, text);
	const hub = await TestHub.start({}, { access: loadAclFile(file) });
	const mosquitto = await startMosquitto(file);
	try {
		const theirs = await found(mosquitto.port);
		assert.equal(await found(hub.port), theirs, text);
		assert.equal(hub.held(), NOTHING_HELD);
		return theirs.length;
	} finally {
		mosquitto.running.kill("SIGTERM");
		await mosquitto.running.finished;
		await hub.close();
	}
}

/** Files as people write them. */
const FILES: Readonly<Record<string, string>> = {
	"anonymous clients, users, and patterns for all": `# comment
topic read a
topic   read   a/#

user ann
topic readwrite x/ann
topic write x/#
topic b
user c d
topic readwrite x/c d
user ben
topic deny x/ben
topic x/+
pattern readwrite x/%c
pattern read x/%u
`,
	"denied comes first in a section, and the user's section before the patterns": `user ann
topic readwrite a/#
topic deny a/b
user ben
topic readwrite x/#
pattern deny x/#
pattern readwrite #
pattern deny a/b/c
`,
	"no patterns: a client with a wildcard in its name has its user's rights": `user ann
topic readwrite #
user ha#sh
topic read +/+
topic write $x/#
`,
	"patterns in all places": `pattern write %u/%c
pattern read x/%c/%u
pattern readwrite %c
pattern read $x/%c
pattern readwrite x/%c/set
pattern write x/%c%c
pattern write x/pre%c
pattern write x%c
pattern %c/#
`,
	"topics that begin with $ and levels that are empty": `topic readwrite /#
topic read +/+
topic write a/+
user ann
topic readwrite $x/+
topic read +/one
`,
};

for (const [name, text] of Object.entries(FILES))
	withMosquitto(name, async () => assert.ok((await compare(`${text}${ADMIN}`)) > 10));

withMosquitto("random files", async () => {
	for (let seed = 1; seed <= 5; seed++) {
		const random = new Random(seed);
		const level = () => random.pick(["a", "b", "c", "x", "one", "ann", "+", "+", "$x", "%c", "%u", ""]);
		const filter = () => {
			const levels = Array.from({ length: random.between(1, 3) }, level);
			if (random.chance(0.3)) levels.push("#");
			return levels.join("/") || "#";
		};
		let text = "";
		for (let i = 0; i < 14; i++) {
			if (random.chance(0.3)) text += `user ${random.pick(["ann", "ben", "one", "c d", "ha#sh"])}\n`;
			const access = random.pick(["read ", "write ", "readwrite ", "", "deny "]);
			text += `${random.pick(["topic", "topic", "pattern"])} ${access}${filter()}\n`;
		}
		await compare(`${text}${ADMIN}`);
	}
});

test.after(() => rmSync(folder, { recursive: true }));
test.run();
