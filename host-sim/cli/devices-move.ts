/** `hearth devices send` and `fetch`: a hub's identity and devices, from a file to a board, and back. */
import { randomBytes, randomFillSync } from "node:crypto";
import { RecordKind } from "../../src/broker/persist-records.js";
import { HearthError } from "../../src/errors.js";
import { COMMAND_ROOT } from "../../src/hub/admin-topics.js";
import { JoinAuthentication } from "../../src/hub/join-authentication.js";
import { type HubIdentity, Mover } from "../../src/hub/mover.js";
import { connect } from "../client/index.js";
import { curve } from "../curve.js";
import { EXPORT_VERSION, type Line, type RecordLine } from "../data/export.js";
import { SEAL_COST, seal } from "../data/sealed.js";
import { crypto, nodePlatform } from "../platform.js";
import { askCode } from "./ask-code.js";
import { readLines, readPassphrase, writeFile } from "./data.js";
import { HubRefused } from "./page-client.js";

export interface MoveValues {
	/** where the board is */
	board?: string | undefined;
	code?: string | undefined;
	"passphrase-file"?: string | undefined;
	user?: string | undefined;
	pw?: string | undefined;
}

/** How long the board's window is open, s. */
const WINDOW_S = 300;

/** Gives a board the identity and devices of an export. @returns the exit code. Throws HearthError, HubRefused */
export async function send(file: string, values: MoveValues, what = "devices send"): Promise<number> {
	const identity = identityOf(await readLines({ file, "passphrase-file": values["passphrase-file"] }, what), file);
	await move(what, values, identity);
	console.log(`${values.board}: is hub ${identity.hubId} now, with ${counted(identity)}; switch the old one off`);
	return 0;
}

/** Writes a board's identity and devices into a file, such as `hearth data export --identity` writes.
 *  @returns the exit code. Throws HearthError, HubRefused */
export async function fetchInto(
	file: string,
	values: MoveValues,
	sealCost = SEAL_COST,
	what = "devices fetch",
): Promise<number> {
	const passphrase = readPassphrase(values["passphrase-file"]);
	const { hubId, records } = (await move(what, values, undefined))!;
	const record = (kind: RecordKind, number: number, bytes: Uint8Array): RecordLine => ({
		type: "record",
		kind,
		number,
		base64: Buffer.from(bytes).toString("base64"),
	});
	const lines: Line[] = [
		{ hearth: "data", version: EXPORT_VERSION, time: new Date().toISOString() },
		...records.map((bytes, number) => record(RecordKind.HubDevice, number, bytes)),
		record(RecordKind.HubKey, 0, Buffer.from(hubId)),
	];
	const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
	const code = await writeFile(what, file, passphrase, async (write) => {
		write(passphrase === undefined ? bytes : await seal(bytes, passphrase, sealCost));
		return lines.length;
	});
	console.log(`${values.board}: hub ${hubId}, ${counted({ hubId, records })}`);
	return code;
}

function counted({ records }: HubIdentity): string {
	return records.length === 1 ? "1 device" : `${records.length} devices`;
}

/** Throws HearthError when the lines have no hub's identity. */
function identityOf(lines: readonly string[], file: string): HubIdentity {
	let hubId = "";
	const records: Uint8Array[] = [];
	for (const [i, text] of lines.entries()) {
		if (text.trim() === "") continue;
		const line = parse(text, i + 1, file);
		if (!("type" in line) || line.type !== "record") continue;
		const bytes = Buffer.from(line.base64, "base64");
		if (line.kind === RecordKind.HubDevice) records.push(bytes);
		else if (line.kind === RecordKind.HubKey && line.number === 0) hubId = bytes.toString();
	}
	if (hubId !== "") return { hubId, records };
	throw new HearthError(
		"HEARTH_ERR_IMPORT",
		`devices send: ${file}: has no hub's identity; export it with hearth data export --identity`,
	);
}

function parse(text: string, at: number, file: string): Line {
	try {
		return JSON.parse(text) as Line;
	} catch {
		throw new HearthError("HEARTH_ERR_IMPORT", `devices send: ${file}: line ${at}: is none of an export's`);
	}
}

/** @returns what was fetched, if something was to be. Throws HubRefused when it did not go through */
async function move(
	what: string,
	values: MoveValues,
	brought: HubIdentity | undefined,
): Promise<HubIdentity | undefined> {
	const url = values.board;
	if (url === undefined || !URL.canParse(url) || !/^mqtts?:$/.test(new URL(url).protocol))
		throw new HearthError("HEARTH_ERR_OPTION", `${what}: give --board mqtt://HOST`);
	if (values.user !== undefined) await openWindow(url, values.user, values.pw);
	const code = (values.code ?? (await askCode("The code on the board's console: "))).replace(/[\s-]/g, "");
	if (!/^\d{8}$/.test(code))
		throw new HearthError("HEARTH_ERR_OPTION", `${what}: --code ${code}: give the 8 digits that the board shows`);
	const clientId = `move-${randomBytes(8).toString("hex")}`;
	const pairing = {
		...nodePlatform(),
		crypto,
		curve,
		randomBytes: (bytes: Uint8Array) => void randomFillSync(bytes),
		defer: (task: () => void) => void setImmediate(task),
	};
	let ready = () => {};
	const shareMade = new Promise<void>((resolve) => {
		ready = resolve;
	});
	let mover!: Mover;
	const authentication = new JoinAuthentication(
		pairing,
		{ clientId, code, keep: (_keys, saved) => saved(true) },
		() => ready(),
		(platform, options) => {
			mover = new Mover(platform, options, brought);
			return mover;
		},
	);
	authentication.prepare();
	await shareMade;
	const reason = await connect(url, {
		clientId,
		version: 5,
		reconnect: false,
		connectTimeoutMs: 120_000,
		authentication,
	})
		.then(async (client) => {
			await client.end();
			return "it let us in, which no hub of this kind does";
		})
		.catch((error: Error) => error.message);
	if (mover.isConcluded) return mover.fetched;
	const { failure, refusal } = mover;
	const why =
		failure === "wrong-code" ? "the board has another code" : refusal !== "" ? `the board says: ${refusal}` : reason;
	throw new HubRefused(`${what}: ${url}: nothing is changed: ${why}`);
}

/** The board's admin opens its window; the code is on its console. */
async function openWindow(url: string, user: string, pw: string | undefined): Promise<void> {
	const password = pw ?? process.env["HEARTH_PASSWORD"] ?? "";
	const clientId = `hearth-cli-${randomBytes(6).toString("hex")}`;
	const client = await connect(url, { clientId, version: 5, reconnect: false, userName: user, password }).catch(
		(error: Error) => {
			throw new HubRefused(`${url}: ${error.message}`);
		},
	);
	try {
		const request = JSON.stringify({ move: true, seconds: WINDOW_S });
		const answer = await client.request(`${COMMAND_ROOT}open-window`, request, { timeoutMs: 10_000 });
		const { ok, error } = JSON.parse(Buffer.from(answer.payload).toString()) as { ok: boolean; error?: string };
		if (!ok) throw new HubRefused(`${url}: ${error}`);
	} finally {
		await client.end({ force: true });
	}
}
