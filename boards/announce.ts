/** mDNS on a device: `hearth.local`, and the broker as a service that clients can find. */

import UDP from "embedded:io/socket/udp";
import DNSSD from "embedded:network/dnssd";

/** What is on the network of the hub. */
export interface Announcement {
	/** Says something else of it. */
	tell(said: ReadonlyMap<string, string>): void;
	close(): void;
}

/** Announces the broker on this network; again, with another address, after `close`.
 *  @param host without ".local" @param said what a hub with devices says of itself; undefined: nothing */
export function announce(
	host: string,
	port: number,
	said: ReadonlyMap<string, string> | undefined,
	log: (line: string) => void,
): Announcement {
	const dnssd = new DNSSD({ socket: { io: UDP } });
	dnssd.claim({ host, onError: () => log(`mDNS: another device is ${host}.local`) });
	const service = { serviceType: "_mqtt._tcp", name: `Hearth on ${host}`, host, port };
	const advertised = dnssd.advertise(said === undefined ? service : { ...service, txt: new Map(said) });
	return {
		tell: (changed) => advertised.updateTXT(new Map(changed)),
		close: () => dnssd.close(),
	};
}
