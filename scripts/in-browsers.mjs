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

/** Gives a test the module as it was built in place of Node's. */
export const builtForBrowsers = {
	name: "the module that browsers load",
	setup(build) {
		build.onResolve({ filter: /\/(host-sim\/client\/index|client\/built)\.js$/ }, ({ importer }) =>
			importer.endsWith(".test.ts") ? { path: `${root}test/client/built-client.ts` } : undefined,
		);
	},
};

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

/** Leaves out of the browser's module what it does not need. */
export const withoutBrokers = {
	name: "without what only the broker has",
	setup(build) {
		const used = new RegExp(`Cause\\.(?:${BROKERS_CAUSES.join("|")})\\b`);
		build.onLoad({ filter: /\/src\/errors\.ts$/ }, async ({ path }) => {
			let contents = await readFile(path, "utf8");
			for (const name of namesOf(BROKERS_CAUSES)) {
				if (!contents.includes(`["${name}", `)) return { errors: [{ text: `${path}: there is no ${name}` }] };
				contents = contents.replace(new RegExp(`\\["${name}", [\\w.]+\\]`), "NONE");
			}
			contents = contents.replace("const CAUSES", 'const NONE = frozen(["", 0] as const);\nconst CAUSES');
			return { contents, loader: "ts" };
		});
		// what is constant needs no ROM
		build.onLoad({ filter: /\/src\/frozen\.ts$/ }, () => ({ contents: "export const frozen = (value) => value;" }));
		build.onLoad({ filter: /\/(src\/(client|promises)|browser)\/[\w-]+\.ts$/ }, async ({ path }) => {
			const contents = await readFile(path, "utf8");
			const found = used.exec(contents);
			if (found !== null) return { errors: [{ text: `${path}: ${found[0]} is left out in a browser` }] };
			// a field that is undefined need not be set
			const unset = /^(\t(?:private |readonly )*\w+: .*\| undefined) = undefined;$/gm;
			return { contents: contents.replace(unset, "$1;"), loader: "ts" };
		});
	},
};
