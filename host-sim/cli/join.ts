/** `hearth join`: pairs this machine, as a device, with a hub. */
import { randomFillSync } from "node:crypto";
import { hostname } from "node:os";
import { ScramSha256Client } from "../../src/auth/scram-client.js";
import { HearthError } from "../../src/errors.js";
import { DeviceKeyStore } from "../../src/hub/device-keys.js";
import { type Invitation, parseInvitation } from "../../src/hub/invitation.js";
import type { DeviceKeys } from "../../src/hub/join.js";
import { JoinAuthentication } from "../../src/hub/join-authentication.js";
import { isDeviceId } from "../../src/hub/pairing-keys.js";
import { type ConnectOptions, connect } from "../client/index.js";
import { curve } from "../curve.js";
import { KeyFile, keyFileOf } from "../key-file.js";
import { crypto, nodePlatform } from "../platform.js";
import { text } from "../text.js";
import { askCode } from "./ask-code.js";
import { parseArguments, portOf } from "./options.js";

const HELP = `usage: hearth join [CODE | QR-TEXT] [options]

Pairs this machine with a hub whose window is open (hearth pair, or the button on its page), and keeps the keys. Without
CODE it is asked for. The text of the QR code says where the hub is, too.

      --host HOST      where the hub is (default 127.0.0.1)
      --port PORT      its MQTT port (default 1883)
      --id ID          the device's identifier: 1 to 32 of A-Z a-z 0-9 - _ (default: this machine's name)
      --model NAME     what people see that it is, at most 32 bytes (default hearth)
      --keys FILE      where the keys are kept (default ~/.config/hearth/ID.keys)
      --check          log in with the keys that are kept
      --find           with --check: look for the hub in this network (mDNS), by the identifier that the keys have
      --forget         forget the keys

Exit codes: 0 paired, 1 not paired or refused, 2 unusable arguments`;

const OPTIONS = {
	host: { type: "string" },
	port: { type: "string" },
	id: { type: "string" },
	model: { type: "string", default: "hearth" },
	keys: { type: "string" },
	check: { type: "boolean", default: false },
	find: { type: "boolean", default: false },
	forget: { type: "boolean", default: false },
	verbose: { type: "boolean", default: false },
	help: { type: "boolean", short: "h", default: false },
} as const;

/** @returns the exit code */
export async function join(args: string[]): Promise<number> {
	const { values, positionals } = parseArguments("join", args, OPTIONS);
	if (values.help) {
		console.log(HELP);
		return 0;
	}
	if (positionals.length > 1) throw unusable(`${positionals[1]}: give one code`);
	const id = values.id ?? defaultId();
	if (!isDeviceId(id)) throw unusable(`--id ${id}: give 1 to 32 of A-Z a-z 0-9 - _`);
	const file = new KeyFile(values.keys ?? keyFileOf(id));
	const keys = new DeviceKeyStore(text, file);
	if (values.forget) {
		await new Promise<void>((resolve) => keys.reset(() => resolve()));
		console.log(`${file.path}: the keys are gone`);
		return 0;
	}
	const invitation: Invitation = values.check
		? { code: "" }
		: invitationOf(positionals[0] ?? (await askCode("The hub's code: ")));
	const host = values.host ?? invitation.host ?? "127.0.0.1";
	const port = values.port === undefined ? (invitation.port ?? 1883) : portOf("join", "port", values.port);
	const address = { host, port, clientId: id, version: 5, reconnect: false, timeout: 60 };
	if (values.find && !values.check)
		throw unusable("--find: give --check, too; the text of a QR code says where a hub is");
	if (values.check) return check(keys, id, address, values.find);
	return pair(keys, file, id, values.model, invitation, address);
}

function unusable(what: string): HearthError {
	return new HearthError("HEARTH_ERR_OPTION", `join: ${what}`);
}

/** @returns this machine's name, with what may stand in an identifier */
function defaultId(): string {
	const name = (hostname().split(".")[0] ?? "").replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 32);
	return name === "" ? "hearth" : name;
}

/** Throws HearthError for what is neither a code nor the text of a QR code. */
function invitationOf(given: string): Invitation {
	const invitation = parseInvitation(given);
	if (invitation === undefined)
		throw unusable(`${given}: give the 8 digits that the hub shows, or the text of its QR code`);
	return invitation;
}

async function pair(
	keys: DeviceKeyStore,
	file: KeyFile,
	id: string,
	model: string,
	invitation: Invitation,
	address: ConnectOptions,
): Promise<number> {
	const platform = { ...nodePlatform(), crypto, curve };
	const pairing = {
		...platform,
		randomBytes: (bytes: Uint8Array) => void randomFillSync(bytes),
		defer: (task: () => void) => void setImmediate(task),
	};
	let ready = () => {};
	const shareMade = new Promise<void>((resolve) => {
		ready = resolve;
	});
	const given = {
		clientId: id,
		code: invitation.code,
		model,
		keep: (made: DeviceKeys, saved: (ok: boolean) => void) => {
			// another hub than the code said: a false one that guessed right, or the text is of another day
			if (invitation.hubId !== undefined && made.hubId !== invitation.hubId) saved(false);
			else keys.keep(made, saved);
		},
	};
	let authentication: JoinAuthentication;
	try {
		authentication = new JoinAuthentication(pairing, given, () => ready());
	} catch (error) {
		throw unusable((error as Error).message);
	}
	authentication.prepare();
	await shareMade;
	try {
		const client = await connect({ ...address, authentication });
		await new Promise<void>((resolve) => keys.confirmPending(() => resolve()));
		await client.end();
	} catch (error) {
		const { failure } = authentication.join;
		const why = {
			"wrong-code": "the hub has another code; look at it again",
			"unusable-code": "this code cannot be used; open another window",
			protocol: "that is no hub of this kind",
			"not-kept": `${file.path}: the keys cannot be kept, or the hub is not the one that the QR code names`,
		};
		const { message } = error as Error;
		const because = message + remedyOf(message);
		console.error(`hearth: join: not paired: ${failure === undefined ? because : why[failure]}`);
		return 1;
	}
	console.log(`paired: ${id} with hub ${keys.current!.hubId}; its keys are in ${file.path}`);
	return 0;
}

/** @returns what to do about a hub's refusal */
function remedyOf(why: string): string {
	if (why.includes("pairing-closed")) return "; open a window: hearth pair, the hub's page, or a board's button";
	if (why.includes("pairing-busy")) return "; another device is pairing: try again in some seconds";
	if (why.includes("full-devices")) return "; the hub has no room for more devices: revoke one";
	return why.includes("authentication-failed") ? "; the hub does not know these keys (any more): join again" : "";
}

/** Logs in with the keys as a device does after a start: those of an unfinished pairing first. */
async function check(keys: DeviceKeyStore, id: string, address: ConnectOptions, find: boolean): Promise<number> {
	const { pending, current } = keys;
	const platform = { ...nodePlatform(), crypto };
	let why = "there are no keys; join first";
	for (const candidate of [pending, current]) {
		if (candidate === undefined) continue;
		try {
			const authentication = new ScramSha256Client(platform, id, candidate);
			const place = find ? { discover: candidate.hubId } : {};
			const client = await connect({ ...address, ...place, authentication });
			const settle = candidate === pending ? "confirmPending" : "dropPending";
			await new Promise<void>((resolve) => keys[settle](() => resolve()));
			await client.end();
			console.log(`${id}: hub ${candidate.hubId} knows these keys`);
			return 0;
		} catch (error) {
			why = (error as Error).message;
		}
	}
	console.error(`hearth: join: ${id}: ${why}${remedyOf(why)}`);
	return 1;
}
