/** The package's type declarations, as who uses it meets them. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { assert, suite } from "../support/test.js";
import { read } from "./support.js";

const test = suite("type declarations");
const folder = resolve("build", `user-${process.pid}`);

/** @returns what the compiler says of a program that uses the package; "": nothing */
function check(name: string, files: Record<string, string>, options: object = {}): string {
	const program = join(folder, name);
	mkdirSync(join(program, "node_modules"), { recursive: true });
	symlinkSync(resolve("."), join(program, "node_modules", "hearth-mqtt"), "junction");
	const compilerOptions = {
		strict: true,
		noImplicitOverride: true,
		exactOptionalPropertyTypes: true,
		target: "ES2022",
		module: "NodeNext",
		isolatedModules: true,
		types: ["node"],
		typeRoots: [resolve("node_modules/@types")],
		skipLibCheck: true, // as is usual: declarations of dependencies have faults of their own
		noEmit: true,
		...options,
	};
	writeFileSync(join(program, "package.json"), JSON.stringify({ type: "module" }));
	writeFileSync(join(program, "tsconfig.json"), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
	for (const [file, text] of Object.entries(files)) writeFileSync(join(program, file), text);
	const { stdout, stderr } = spawnSync(process.execPath, [resolve("node_modules/typescript/bin/tsc"), "-p", program]);
	return `${stdout}${stderr}`;
}

test.before(() => {
	const built = spawnSync(process.execPath, ["scripts/build.mjs", "--types-only"], { encoding: "utf8" });
	assert.is(`${built.stdout}${built.stderr}`, "");
});

const GOOD = `
import {
	Broker, Cause, type ConnectView, type Context, Controller, Hub, hostLimits, type Platform, ReasonCode, Refusal,
	type ServerPacket,
} from "hearth-mqtt";
class Mine extends Controller {
	override connect(context: Context, packet: ConnectView): ServerPacket | undefined {
		const name: string | undefined = packet.userName;
		if (name === undefined) throw new Refusal(ReasonCode.NotAuthorized);
		context.connection.data = name;
		if (!packet.cleanStart) return undefined;
		return { type: "connack", properties: { reasonString: "hello", userProperties: [["a", "b"]] } };
	}
}
const hub = new Hub({
	listeners: [
		{ mqtt: { controller: new Mine() } },
		{
			ws: {
				controller: {
					async publish({ server }, packet) {
						const text: string | undefined = packet.payloadText;
						const message = { type: "publish" as const, topic: packet.topic, payload: text ?? "" };
						const sent: Cause = server.send("c", message);
						return sent === Cause.None ? { type: "puback" } : null;
					},
				},
			},
		},
	],
});
export const core = (platform: Platform) =>
	new Broker({ limits: hostLimits, platform, controller: new Mine(), routing: false });
export const addresses: Promise<string[]> = hub.open();
`;

const BAD: [string, RegExp][] = [
	["new Hub({ listeners: [{ tcp: {} }] })", /'tcp' does not exist/],
	["new Hub({ listeners: [{ mqtt: { controller: { publish: () => 5 } } }] })", /number/],
	['new Hub({ listeners: [{ mqtt: { controller: { publish: () => ({ type: "pubac" as const }) } } }] })', /pubac/],
	['new Hub({}).broker.server.send("c", { type: "publish", payload: "x" })', /topic/],
	['new Hub({}).broker.server.send("c", { type: "puback", properties: { reasonstring: "x" } })', /reasonstring/],
];

test("a program that uses Broker, Hub and Controller type-checks, strictly", () => {
	assert.is(check("good", { "user.ts": GOOD }), "");
});

test("what is wrong is found", () => {
	const lines = BAD.map(([code]) => `${code};`).join("\n");
	const said = check("bad", { "user.ts": `import { Hub } from "hearth-mqtt";\n${lines}\n` });
	for (const [i, [code, what]] of BAD.entries()) {
		const line = said.split("\n").find((l) => l.startsWith("user.ts") || l.includes(`user.ts(${i + 2},`));
		assert.ok(said.includes(`(${i + 2},`), `${code}: ${line}`);
		assert.match(said, what);
	}
});

test("the examples are right by the declarations, too", () => {
	const files: Record<string, string> = {};
	// of a class's methods JavaScript says no types
	for (const part of ["broker", "controller"])
		for (const name of readdirSync(`examples/${part}`))
			if (name !== "server.mjs") files[name] = read(`examples/${part}/${name}`);
	const said = check("examples", files, {
		allowJs: true,
		checkJs: true,
		noImplicitAny: false,
		strict: false,
		exactOptionalPropertyTypes: false,
	});
	assert.is(said, "");
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

test.run();
