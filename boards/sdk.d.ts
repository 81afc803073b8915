/** What boards/ uses of the Moddable SDK, for editors and `npm test`; the SDK's own build checks against the SDK's own
 *  types (`npm run check:boards`). Where those differ from what the SDK does, these say what it does. */

/** Writes to the console; a line's end is the caller's. */
declare var trace: (...texts: unknown[]) => void;

declare module "embedded:io/socket/tcp" {
	export interface Options {
		/** a connection that a listener gave, or address and port of a server */
		from?: TCP;
		address?: string;
		port?: number;
		nodelay?: boolean;
		onReadable?: (this: TCP, count: number) => void;
		onWritable?: (this: TCP, count: number) => void;
		/** the end, however it came; after what had come before was read */
		onError?: (this: TCP) => void;
	}
	export default class TCP {
		constructor(options: Options);
		/** throws once the connection has failed */
		readonly remoteAddress: string | undefined;
		readonly remotePort: number | undefined;
		/** Fills the array; throws when there is less. */
		read(bytes: Uint8Array): number | undefined;
		/** Takes all; throws when that is more than is writable. @returns writable bytes; undefined: it has failed */
		write(bytes: Uint8Array): number | undefined;
		close(): void;
	}
}

declare module "embedded:io/digital" {
	export default class Digital {
		static readonly InputPullUp: number;
		static readonly Rising: number;
		static readonly Falling: number;
		constructor(options: { pin: number; mode: number; edge: number; onReadable: (this: Digital) => void });
		/** 0: connected to ground */
		read(): number;
		close(): void;
	}
}

declare module "embedded:io/socket/listener" {
	import type TCP from "embedded:io/socket/tcp";
	export default class Listener {
		constructor(options: { port: number; onReadable?: (this: Listener, count: number) => void });
		readonly port: number;
		read(): TCP | undefined;
		close(): void;
	}
}

declare module "embedded:network/interface/wifi" {
	export default class WiFi {
		constructor(options: { onChanged?: (property: "connection" | "address") => void });
		connect(options: { SSID: string; password?: string; secure?: boolean }): void;
		disconnect(): void;
		/** ≥ 500: there is an address; ≥ 400: associated; less: not connected */
		readonly connection: number;
		readonly address: string | undefined;
	}
}

declare module "wifi" {
	const WiFi: {
		/** @param options password: at least 8 characters; max: stations at a time */
		accessPoint(options: { ssid: string; password?: string; max?: number }): void;
	};
	export default WiFi;
}

/** The SDK's modules/io/system. */
declare var System: { restart(): void };

declare module "embedded:network/dnssd" {
	export default class DNSSD {
		constructor(options: { socket: { io: unknown } });
		claim(options: { host: string; onReady?: () => void; onError?: () => void }): unknown;
		advertise(options: { serviceType: string; host: string; name?: string; port: number; txt?: Map<string, string> }): {
			close(): void;
			updateTXT(txt: Map<string, string>): void;
		};
		close(): void;
	}
}

declare module "embedded:io/socket/udp" {
	const UDP: unknown;
	export default UDP;
}

declare module "net" {
	const Net: {
		/** The callback is called later; without an address the name has none. */
		resolve(host: string, callback: (name: string, address?: string) => void): void;
	};
	export default Net;
}

declare module "timer" {
	export default class Timer {
		private constructor();
		static set(callback: () => void, ms?: number, repeatMs?: number): Timer;
		static repeat(callback: () => void, ms: number): Timer;
		static schedule(timer: Timer, ms?: number, repeatMs?: number): void;
		static clear(timer: Timer | undefined): void;
	}
}

declare module "time" {
	const Time: {
		/** milliseconds of a counter that begins again after some weeks */
		readonly ticks: number;
		/** ms from one value of ticks to another */
		delta(start: number, end?: number): number;
	};
	export default Time;
}

declare module "Resource" {
	/** A file in flash: a host buffer, which an array may show. */
	export default class Resource {
		/** throws when there is none of that name */
		constructor(name: string);
		readonly byteLength: number;
	}
}

declare module "crypt" {
	export class Digest {
		constructor(name: "SHA1" | "SHA256");
		/** a view, too */
		write(bytes: ArrayBuffer): void;
		close(): ArrayBuffer;
	}
}

declare module "text/decoder" {
	export default class TextDecoder {
		constructor(label: "utf-8", options: { fatal?: boolean; ignoreBOM?: boolean });
		decode(bytes: Uint8Array): string;
	}
}

declare module "text/encoder" {
	export default class TextEncoder {
		encode(text: string): Uint8Array;
		encodeInto(text: string, bytes: Uint8Array): { read: number; written: number };
	}
}

declare module "preference" {
	const Preference: {
		get(domain: string, key: string): string | number | boolean | ArrayBuffer | undefined;
		set(domain: string, key: string, value: string | number | boolean): void;
	};
	export default Preference;
}

declare module "instrumentation" {
	const Instrumentation: {
		/** undefined in release builds */
		get(which: number | undefined): number | undefined;
		map(name: string): number | undefined;
	};
	export default Instrumentation;
}

declare module "mc/config" {
	const config: Readonly<Record<string, string | number | boolean | undefined>>;
	export default config;
}
