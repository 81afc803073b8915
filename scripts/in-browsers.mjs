// What is different in the browser's module: files of src/ that others stand for, and what only the broker calls.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Memory need not be fixed in a browser: [a file of src/, the one that stands for it]. */
const INSTEAD = [
	["client/incoming", "browser/incoming.ts"],
	["client/outgoing", "browser/outgoing.ts"],
	["delivery/output", "browser/output.ts"],
];

/** Takes the files of browser/ that stand for files of src/. The client's tests run with it, too. */
export const ofBrowser = {
	name: "files that stand for others in a browser",
	setup(build) {
		for (const [of, by] of INSTEAD)
			build.onResolve({ filter: new RegExp(`/${of.split("/")[1]}\\.js$`) }, ({ path, resolveDir, importer, kind }) => {
				// the broker of a test keeps its own
				if (kind === "entry-point" || !/^(src\/(client|promises)|browser)\//.test(importer.slice(root.length))) return;
				const from = new URL(path, `file://${resolveDir}/`).pathname;
				return from === `${root}src/${of}.js` ? { path: root + by } : undefined;
			});
	},
};

/** Methods of the framer that only the broker calls: a bundler keeps all of a class. */
const BROKERS = "type|flags|turnTo|pause|resume|forget";

/** Causes that only the broker has, or a hub. */
const BROKERS_CAUSES = [
	..."ProtocolName ConnectTwice ClientIdRejected SubscriptionIdentifierFromClient PacketIdUnknown".split(" "),
	..."FilterListEmpty NoLocalShared SessionExpiryRaised AuthenticationMethodUnknown".split(" "),
	..."AuthenticationMethodChanged PairingClosed PairingBusy PairingFailed BadUserNameOrPassword".split(" "),
	..."WildcardsNotSupported IdentifiersNotSupported SharedNotSupported FullConnections FullSessions".split(" "),
	..."FullRetained FullAuthentications FullDevices FullStorage ServerShuttingDown SlowReceiver".split(" "),
	"ControllerRefused",
];
const namesOf = (causes) => causes.map((cause) => cause.replace(/\B[A-Z0-9]/g, "-$&").toLowerCase());

/** Leaves them out of the browser's module. */
export const withoutBrokers = {
	name: "without what only the broker calls",
	setup(build) {
		const method = new RegExp(`\\n\\t(?:get )?(?:${BROKERS})\\([^]*?\\n\\t\\}(?=\\n)`, "g");
		const call = new RegExp(`\\bframer\\.(?:${BROKERS})\\b|Cause\\.(?:${BROKERS_CAUSES.join("|")})\\b`);
		build.onLoad({ filter: /\/src\/errors\.ts$/ }, async ({ path }) => {
			let contents = await readFile(path, "utf8");
			for (const name of namesOf(BROKERS_CAUSES)) {
				if (!contents.includes(`["${name}", `)) return { errors: [{ text: `${path}: there is no ${name}` }] };
				contents = contents.replace(new RegExp(`\\["${name}", [\\w.]+\\]`), "NONE");
			}
			return {
				contents: contents.replace("const CAUSES", 'const NONE = frozen(["", 0] as const);\nconst CAUSES'),
				loader: "ts",
			};
		});
		build.onLoad({ filter: /\/src\/(codec\/framer|(client|promises)\/[\w-]+)\.ts$/ }, async ({ path }) => {
			const contents = await readFile(path, "utf8");
			if (path.endsWith("framer.ts")) return { contents: contents.replace(method, ""), loader: "ts" };
			const called = call.exec(contents);
			return called === null ? undefined : { errors: [{ text: `${path}: ${called[0]} is left out in a browser` }] };
		});
	},
};
