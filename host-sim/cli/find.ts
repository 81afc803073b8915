/** `hearth find`: hubs in this network. */
import { HearthError } from "../../src/errors.js";
import { type Found, findHubs, startMdns } from "../mdns.js";
import { parseOptions } from "./options.js";

const HELP = `usage: hearth find [--for SECONDS] [--id HUB] [--json]

Lists the hubs that announce themselves in this network (mDNS).

      --for SECONDS   how long to look (default 3)
      --id HUB        only this hub; ends when it is found
      --json          for programs

Exit codes: 0 found, 1 none, 2 unusable arguments`;

const OPTIONS = {
	for: { type: "string", default: "3" },
	id: { type: "string" },
	json: { type: "boolean", default: false },
	verbose: { type: "boolean", default: false },
	help: { type: "boolean", short: "h", default: false },
} as const;

const REMEDY = ": a hub on a PC announces itself with --mdns; a board in this network always does";

/** @returns the exit code */
export async function find(args: string[]): Promise<number> {
	const values = parseOptions("find", args, OPTIONS);
	if (values.help) {
		console.log(HELP);
		return 0;
	}
	const seconds = Number(values.for);
	if (!(seconds > 0 && seconds <= 3_600))
		throw new HearthError("HEARTH_ERR_OPTION", `find: --for ${values.for}: give 1 to 3600 seconds`);
	const hubs = new Map<string, Found>();
	let complaint = "";
	const mdns = startMdns((error) => {
		complaint = error.message;
	});
	await new Promise<void>((resolve) => {
		const timer = setTimeout(resolve, seconds * 1_000);
		findHubs(mdns, (hub) => {
			if (values.id !== undefined && hub.hubId !== values.id) return;
			hubs.set(`${hub.hubId} ${hub.secure}`, hub);
			if (values.id === undefined) return;
			clearTimeout(timer);
			resolve();
		});
	});
	await new Promise<void>((resolve) => mdns.destroy(() => resolve()));
	const found = [...hubs.values()].sort((a, b) => (a.hubId < b.hubId ? -1 : 1));
	if (values.json) console.log(JSON.stringify(found));
	else for (const hub of found) console.log(line(hub));
	if (found.length === 0)
		console.error(`hearth: find: no hub was found${complaint === "" ? REMEDY : `: ${complaint}`}`);
	return found.length === 0 ? 1 : 0;
}

function line({ hubId, addresses, port, secure, pairing, host }: Found): string {
	const name = addresses[0] ?? host;
	const url = `${secure ? "mqtts" : "mqtt"}://${name.includes(":") ? `[${name}]` : name}:${port}`;
	return `${hubId}  ${url}${pairing ? "  pairing is open" : ""}`;
}
