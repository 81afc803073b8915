/** On XS: what the page takes of a board's memory beside the hub, garbage apart; told when a client publishes to the
 *  topic "tell", by the name that it sends; "end" ends it. */
import { entropy } from "../../boards/entropy-esp.js";
import { HubOnDevice } from "../../boards/hub.js";
import { PageServer } from "../../boards/page-server.js";
import { report } from "./measure.js";

globalThis.trace = () => {};

const OPTIONS = { port: 0, webSocketPort: undefined, user: "ann", secret: "secret", anonymous: false, restarts: "1" };

function use(): { slots: number; chunks: number } {
	host.gc();
	return { slots: host.slots() * host.slotSize(), chunks: host.chunks() };
}

const hub = new HubOnDevice(OPTIONS);
/** What was there before is taken away. */
let before = use();

function tell(name: string): void {
	const { slots, chunks } = use();
	report(name, { slots: slots - before.slots, chunks: chunks - before.chunks });
}

let page: PageServer | undefined;
hub.broker.subscribe("tell", ({ payload }) => {
	const name = hub.platform.text.decode(payload, 0, payload.length)!;
	if (name === "end") return host.exit(0);
	if (page !== undefined) return tell(name);
	// the client that asks is there already
	before = use();
	page = new PageServer({ port: 0, host: "hearth", entropy }, hub);
	report("page", { port: page.port });
	tell(name);
});
report("listening", { port: hub.port });
