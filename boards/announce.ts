/** mDNS on a device: `hearth.local`, and the broker as a service that clients can find. */

import UDP from "embedded:io/socket/udp";
import DNSSD from "embedded:network/dnssd";

/** Announces the broker on this network; again, with another address, after `close`.
 *  @param host without ".local" @returns what ends it */
export function announce(host: string, port: number, log: (line: string) => void): { close(): void } {
	const dnssd = new DNSSD({ socket: { io: UDP } });
	dnssd.claim({ host, onError: () => log(`mDNS: another device is ${host}.local`) });
	dnssd.advertise({ serviceType: "_mqtt._tcp", name: `Hearth on ${host}`, host, port });
	return dnssd;
}
