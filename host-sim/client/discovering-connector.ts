/** Finds the hub that a client belongs to in this network before each connection: its address may have changed. */
import type { Connector, ConnectorTarget } from "../../src/client/client-options.js";
import { type Found, findHubs, type Mdns, startMdns } from "../mdns.js";

/** How long a hub may take to answer, ms. */
const FIND_MS = 10_000;

export class DiscoveringConnector implements Connector {
	/** ends the search that is on */
	private stop: (() => void) | undefined = undefined;

	/** @param hubId the hub that is looked for, as its pairing told it @param secure by TLS
	 *  @param inner makes the connection to what was found @param start has the network */
	constructor(
		private readonly hubId: string,
		private readonly secure: boolean,
		private readonly inner: Connector,
		private readonly start: (complain: (error: Error) => void) => Mdns = startMdns,
	) {}

	open(target: ConnectorTarget, reference: string): void {
		if (reference !== "") return this.inner.open(target, reference);
		let complaint = "";
		const mdns = this.start((error) => {
			complaint = `: ${error.message}`;
		});
		const timer = setTimeout(() => {
			this.cancel();
			target.failed(`hub ${this.hubId} does not answer in this network (mDNS)${complaint}`);
		}, FIND_MS);
		const endSearch = findHubs(mdns, (hub) => {
			if (this.stop === undefined || hub.hubId !== this.hubId || hub.secure !== this.secure) return;
			this.cancel();
			this.inner.open(target, referenceOf(hub));
		});
		this.stop = () => {
			clearTimeout(timer);
			endSearch();
			mdns.destroy();
		};
	}

	cancel(): void {
		this.stop?.();
		this.stop = undefined;
		this.inner.cancel();
	}
}

/** @returns where a hub is, as a Server Reference. Spec: 5.0, 4.11 */
function referenceOf({ addresses, host, port }: Found): string {
	const name = addresses[0] ?? host;
	return `${name.includes(":") ? `[${name}]` : name}:${port}`;
}
