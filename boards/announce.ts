/** mDNS on a device: `hearth.local`, and the broker as a service that clients can find. */

import UDP from "embedded:io/socket/udp";
import DNSSD from "embedded:network/dnssd";

/** What is on the network of the hub. */
export interface Announcement {
	/** Says something else of it. */
	tell(said: ReadonlyMap<string, string>): void;
	close(): void;
}

/** What is announced. */
export interface Announced {
	/** without ".local" */
	host: string;
	port: number;
	/** undefined: there is no page */
	pagePort: number | undefined;
}

/** Announces the broker on this network, and its page; again, with another address, after `close`.
 *  @param said what a hub with devices says of itself; undefined: nothing */
export function announce(
	{ host, port, pagePort }: Announced,
	said: ReadonlyMap<string, string> | undefined,
	log: (line: string) => void,
): Announcement {
	const dnssd = new DNSSD({ socket: { io: UDP } });
	dnssd.claim({ host, onError: () => log(`mDNS: another device is ${host}.local`) });
	const name = `Hearth on ${host}`;
	const service = { serviceType: "_mqtt._tcp", name, host, port };
	const advertised = dnssd.advertise(said === undefined ? service : { ...service, txt: new Map(said) });
	if (pagePort !== undefined) dnssd.advertise({ serviceType: "_http._tcp", name, host, port: pagePort });
	return {
		tell: (changed) => advertised.updateTXT(new Map(changed)),
		close: () => dnssd.close(),
	};
}
