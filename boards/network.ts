/** Wi-Fi that comes back: after the access point was away, after a wrong start, and with another address. */

import WiFi from "embedded:network/interface/wifi";
import Timer from "timer";

/** How long an attempt may take until it is begun again, ms: longer than an access point needs to start. */
const ATTEMPT_MS = 20_000;

/** WiFi.connection from which on there is an address. */
const HAS_ADDRESS = 500;

export interface NetworkOptions {
	ssid: string;
	/** undefined: an open network */
	password: string | undefined;
	/** There is an address, for the first time or another one than before. */
	onAddress: (address: string) => void;
	/** There is none any more; it is being looked for. */
	onLost: () => void;
	log: (line: string) => void;
}

export class Network {
	private readonly wifi: WiFi;
	private address: string | undefined = undefined;
	private attempt: Timer | undefined = undefined;

	/** Connects, and never gives up. */
	constructor(private readonly options: NetworkOptions) {
		const network = this;
		this.wifi = new WiFi({
			onChanged() {
				try {
					network.changed();
				} catch (error) {
					options.log(`Wi-Fi: ${error}`);
				}
			},
		});
		this.connect();
	}

	private connect(): void {
		const { ssid, password } = this.options;
		try {
			const secured = { SSID: ssid, password: password ?? "", secure: true };
			this.wifi.connect(password === undefined ? { SSID: ssid } : secured);
		} catch (error) {
			this.options.log(`Wi-Fi: ${error}`);
		}
		Timer.clear(this.attempt);
		this.attempt = Timer.set(() => this.again(), ATTEMPT_MS);
	}

	private again(): void {
		this.attempt = undefined;
		this.options.log(`Wi-Fi: "${this.options.ssid}" does not answer; again`);
		try {
			this.wifi.disconnect();
		} catch {
			// it was not connected
		}
		this.connect();
	}

	private changed(): void {
		const { onAddress, onLost } = this.options;
		const address = this.wifi.connection >= HAS_ADDRESS ? this.wifi.address : undefined;
		if (address === this.address) return;
		const before = this.address;
		this.address = address;
		if (address !== undefined) {
			Timer.clear(this.attempt);
			this.attempt = undefined;
			onAddress(address);
		} else if (before !== undefined) {
			onLost();
			this.connect();
		}
	}
}
