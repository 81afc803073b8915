/** The configuration of a hub: what `hearth.config.json` may say, and which of it the command line may. */
import type { Durability } from "../../src/broker/persist.js";
import type { Limits } from "../../src/limits.js";
import { boardNames } from "../boards.js";
import { MAXIMUM_BYTES } from "../data/lmdb-writer.js";
import type { HubListenerOptions } from "../listeners.js";
import type { CertificateFiles, TlsOptions } from "../tls.js";
import type { UserFileOptions } from "../users/user-files.js";
import type { WebSocketOptions } from "../websocket.js";
import { LIMITS, LISTENER_LIMITS } from "./limits.js";
import type { Choice, TableFor, Text, Whole } from "./table.js";

/** The page knows its people itself. */
type PageListener = Pick<HubListenerOptions, "host" | "port" | "name">;

/** A listener's options that a file can hold. */
type Listener = Omit<HubListenerOptions, "access" | "controller" | "routing"> & UserFileOptions;
type SecureListener = Listener & TlsOptions;
type Web = Pick<WebSocketOptions, "paths" | "allowedOrigins">;
type WebListener = Listener & Web;
type SecureWebListener = WebListener & TlsOptions;

export interface ConfiguredListener {
	mqtt?: Listener;
	mqtts?: SecureListener;
	ws?: WebListener;
	wss?: SecureWebListener;
	http?: PageListener;
	https?: PageListener & TlsOptions;
}

export interface HubConfiguration extends UserFileOptions, Partial<CertificateFiles>, Omit<TlsOptions, "cert" | "key"> {
	/** a JSON schema's address, for editors */
	$schema?: string;
	host?: string;
	/** MQTT over TCP */
	mqtt?: boolean;
	port?: number;
	tlsPort?: number;
	/** MQTT over WebSocket */
	ws?: boolean;
	wsPort?: number;
	wssPort?: number;
	/** the page */
	http?: boolean;
	httpPort?: number;
	httpsPort?: number;
	/** user names that may use the page and $HEARTH/# */
	admins?: readonly string[];
	paths?: readonly string[];
	allowedOrigins?: readonly string[];
	certificateUserName?: boolean;
	allowAnonymous?: boolean;
	/** in place of those that host and ports above describe */
	listeners?: readonly ConfiguredListener[];
	/** announce the hub by mDNS */
	mdns?: boolean;
	homeAssistant?: boolean;
	board?: string;
	/** what differs from the board's */
	limits?: Partial<Limits>;
	/** what differs in topic spaces of that name */
	spaces?: Readonly<Record<string, Partial<Limits>>>;
	/** what outlives a restart is kept there */
	data?: string;
	durability?: Durability;
	durabilityInterval?: number;
	maximumBytes?: number;
	neverStore?: readonly string[];
	strict?: boolean;
	sysInterval?: number;
	responseInformation?: string;
	logLevel?: number;
}

const host: Text = { sort: "text", value: "ADDRESS", default: "127.0.0.1", what: "address to listen on" };
const passwordFile: Text = {
	sort: "path",
	value: "FILE",
	what: "users and their passwords (hearth passwd, or Mosquitto's): nobody comes in without one",
};
const aclFile: Text = { sort: "path", value: "FILE", what: "who may do what (docs/rights.md, or Mosquitto's)" };
const refusedPublish: Choice = {
	sort: "choice",
	choices: ["acknowledge", "close"],
	value: "HOW",
	default: "acknowledge",
	what: "what comes of a PUBLISH without the right to it before 5.0, which cannot be told: dropped, or closed",
};
const allowAnonymous = {
	sort: "flag",
	default: "on loopback addresses, without a password file",
	what: "let clients without a user name in",
} as const;
const certificateUserName = {
	sort: "flag",
	flag: "use-certificate-name",
	default: false,
	what: "a client certificate's Common Name is the user name, and needs no password",
} as const;

const tls: TableFor<TlsOptions> = {
	cert: { sort: "path", value: "FILE", what: "certificate, PEM (hearth cert makes one)" },
	key: { sort: "path", value: "FILE", what: "its private key, PEM" },
	ca: { sort: "path", value: "FILE", what: "authorities whose client certificates are believed, PEM" },
	requireCertificate: {
		sort: "flag",
		default: false,
		what: "refuse clients without a certificate that one vouches for",
	},
	sni: {
		sort: "map",
		flag: false,
		what: "other certificates, by the host name that the client asks for: hub.example or *.example",
		of: {
			cert: { sort: "path", what: "certificate, PEM" },
			key: { sort: "path", what: "its private key, PEM" },
		} satisfies TableFor<CertificateFiles>,
	},
};

const web: TableFor<Web> = {
	paths: {
		sort: "names",
		value: "PATH",
		flag: "ws-path",
		default: "/mqtt and /",
		what: "what a WebSocket URL's path may be",
	},
	allowedOrigins: {
		sort: "names",
		value: "ORIGIN",
		flag: "allowed-origin",
		default: "all",
		what: "the pages whose scripts may connect, such as https://home.example",
	},
};

const listener: TableFor<Listener> = {
	host,
	port: port("0: a free one", "1883, mqtts: 8883, ws: 9001, wss: 9443"),
	name: { sort: "text", default: '""', what: "what log lines call it" },
	space: { sort: "text", default: '""', what: "the topic space that it leads into" },
	allowAnonymous,
	certificateUserName,
	passwordFile: { ...passwordFile, default: "the hub's" },
	aclFile: { ...aclFile, default: "the hub's" },
	refusedPublish: { ...refusedPublish, default: "the hub's" },
	limits: { sort: "table", flag: false, of: LISTENER_LIMITS, default: "the hub's", what: "what it allows less of" },
};

const page: TableFor<PageListener> = { host, port: port("0: a free one", "8080, https: 8443"), name: listener.name };

const listeners: TableFor<ConfiguredListener> = {
	mqtt: { sort: "table", flag: false, what: "MQTT over TCP", of: listener },
	mqtts: { sort: "table", flag: false, what: "MQTT over TLS", of: { ...listener, ...tls } },
	ws: { sort: "table", flag: false, what: "MQTT over WebSocket", of: { ...listener, ...web } },
	wss: { sort: "table", flag: false, what: "MQTT over WebSocket and TLS", of: { ...listener, ...web, ...tls } },
	http: { sort: "table", flag: false, what: 'the page, in the topic space ""', of: page },
	https: { sort: "table", flag: false, what: "the page over TLS", of: { ...page, ...tls } },
};

function port(what: string, by?: number | string): Whole {
	return { sort: "number", min: 0, max: 65_535, value: "PORT", what, ...(by === undefined ? {} : { default: by }) };
}

/** In the order of help and documents. */
export const HUB: TableFor<HubConfiguration> = {
	$schema: { sort: "text", flag: false, what: "a JSON schema's address, for editors" },
	host,
	mqtt: { sort: "flag", default: true, what: "MQTT over TCP" },
	port: port("its port; 0: a free one", 1883),
	ws: { sort: "flag", default: true, what: "MQTT over WebSocket" },
	wsPort: port("its port", "9001; with --port 0 a free one"),
	tlsPort: port("MQTT over TLS, with --cert and --key", "8883"),
	wssPort: port("MQTT over WebSocket and TLS, with --cert and --key"),
	http: { sort: "flag", default: true, what: "the page" },
	httpPort: port("its port", "8080; with --port 0 a free one"),
	httpsPort: port("the page over TLS, with --cert and --key"),
	admins: {
		sort: "names",
		flag: "admin",
		value: "USER",
		what: "a user who may use the page from elsewhere, and $HEARTH/#; from this machine everybody may",
	},
	...tls,
	certificateUserName,
	...web,
	allowAnonymous,
	passwordFile,
	aclFile,
	refusedPublish,
	listeners: {
		sort: "list",
		flag: false,
		what: "listeners, in place of the one or ones that the options above describe",
		of: listeners,
	},
	mdns: {
		sort: "flag",
		default: false,
		what: "announce the hub in the network, by mDNS (hearth find): what is reached from other machines",
	},
	homeAssistant: {
		sort: "flag",
		default: false,
		what: "put the hub itself into Home Assistant's discovery: its clients, how full it is, what it had to drop",
	},
	board: {
		sort: "choice",
		choices: ["host", ...boardNames()],
		value: "NAME",
		default: "host",
		what: "whose limits the hub has",
	},
	limits: {
		sort: "table",
		flag: false,
		default: "the board's",
		what: "limits that differ from the board's",
		of: LIMITS,
	},
	spaces: {
		sort: "map",
		flag: false,
		default: "the hub's limits",
		what: "limits that differ in topic spaces, by their names",
		of: LIMITS,
	},
	data: {
		sort: "path",
		value: "DIR",
		what: "keep there what outlives a restart (docs/storage.md); nothing does without",
	},
	durability: {
		sort: "choice",
		choices: ["acknowledged", "interval", "none"],
		value: "WHAT",
		default: "acknowledged",
		what: "what a crash may cost: nothing that was acknowledged, an interval, or a minute",
	},
	durabilityInterval: {
		sort: "number",
		min: 1,
		max: 86_400_000,
		value: "MS",
		default: 1_000,
		what: "with --durability interval: milliseconds that may be lost",
	},
	maximumBytes: {
		sort: "number",
		min: 100_000,
		max: Number.MAX_SAFE_INTEGER,
		value: "N",
		default: MAXIMUM_BYTES,
		what: "bytes of data at most",
	},
	neverStore: {
		sort: "names",
		value: "FILTER",
		what: "topics whose Retained Messages are not kept, such as +/state",
	},
	strict: {
		sort: "flag",
		default: false,
		what: "refuse what some devices do wrong and Hearth takes (docs/tolerance.md)",
	},
	sysInterval: {
		sort: "number",
		min: 0,
		max: 86_400,
		value: "SECONDS",
		default: 10,
		what: "between the values under $SYS/broker; 0: there are none",
	},
	responseInformation: {
		sort: "text",
		value: "TOPIC",
		default: "response/%c",
		what: "where a 5.0 client may let others answer to; %c: its Client Identifier",
	},
	logLevel: {
		sort: "number",
		min: -1,
		max: 2,
		value: "N",
		default: 0,
		what: "-1: no log lines (--quiet), 0: errors, 1: clients that come and go, 2: more (--verbose)",
	},
};
