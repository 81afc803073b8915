/** The flags of `hearth pub` and `hearth sub` for the connection, the session and its Will. */
import type { FlagGroup } from "./flags.js";
import { takeProperty } from "./property-option.js";
import { takeName, takeUrl } from "./topic-arguments.js";

export const WHERE: FlagGroup = {
	title: "Where",
	flags: [
		{
			usage: "-h, --host HOST",
			help: "the broker's name or address (default localhost)",
			take: (settings, args) => void (settings.host = args.next("HOST")),
		},
		{
			usage: "-p, --port PORT",
			help: "its port (default 1883; with TLS 8883)",
			take: (settings, args) => void (settings.port = args.integer(1, 65_535)),
		},
		{
			usage: "-L, --url URL",
			help: "mqtt://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC in one; also mqtts, ws and wss",
			take: takeUrl,
		},
		{
			usage: "--unix PATH",
			help: "a Unix domain socket instead of a host",
			take: (settings, args) => void (settings.unixPath = args.next("PATH")),
		},
		{
			usage: "-A ADDRESS",
			help: "this machine's address to connect from",
			take: (settings, args) => void (settings.bindAddress = args.next("ADDRESS")),
		},
	],
};

export const SESSION: FlagGroup = {
	title: "Session",
	flags: [
		{
			usage: "-V, --protocol-version VERSION",
			help: "31, 311 or 5; also mqttv31, mqttv311, mqttv5 (default 311; with -D 5)",
			take: (settings, args) => {
				const given = args.next("VERSION");
				const version = { 31: 3, 311: 4, 5: 5 }[given.replace(/^mqttv/, "").replaceAll(".", "")];
				if (version === undefined) throw args.unusable(`${args.flag} ${given}: give 31, 311 or 5`);
				settings.version = version;
			},
		},
		{
			usage: "-i, --id ID",
			help: "the Client Identifier (default: a random one; with -V 5 the broker's)",
			take: (settings, args) => void (settings.clientId = args.utf8("ID")),
		},
		{
			usage: "-I, --id-prefix PREFIX",
			help: "a Client Identifier of PREFIX and the process's number",
			take: (settings, args) => void (settings.idPrefix = args.utf8("PREFIX")),
		},
		{
			usage: "-u, --username NAME",
			help: "the User Name",
			take: (settings, args) => void (settings.username = args.utf8("NAME")),
		},
		{
			usage: "-P, --pw PASSWORD",
			help: "the Password: other users of this machine can see it; the file below can hold it",
			take: (settings, args) => void (settings.password = args.bytes("PASSWORD")),
		},
		{
			usage: "-k, --keepalive SECONDS",
			help: "the Keep Alive (default 60; 0: none)",
			take: (settings, args) => void (settings.keepAlive = args.integer(0, 65_535)),
		},
		{
			usage: "-c, --disable-clean-session",
			help: "go on with the session of the same -i ID, and leave it there",
			take: (settings) => void (settings.clean = false),
		},
		{
			usage: "-x SECONDS",
			help: "with -V 5: how long the session stays after the end; -1 or ∞: for ever (default 0; with -c for ever)",
			take: (settings, args) => {
				const given = args.next("SECONDS");
				const forever = given === "-1" || given === "∞";
				settings.sessionExpiry = forever ? 0xffff_ffff : args.parse(given, 0, 0xffff_ffff);
			},
		},
		{
			usage: "-D, --property PACKET NAME VALUE",
			help: "a property of MQTT 5.0; below is which; user-property takes a name and a value; may be repeated",
			take: (settings, args) => {
				takeProperty(
					settings.properties,
					(what) => args.utf8(what),
					(what) => args.unusable(what),
				);
				settings.version = 5;
			},
		},
		{
			usage: "-M COUNT",
			help: "messages of QoS 1 and 2 that are sent and wait for their acknowledgements at most (default 20)",
			take: (settings, args) => void (settings.maxInflight = args.integer(1, 65_535)),
		},
		{
			usage: "--nodelay",
			help: "send at once (it always does)",
			take: () => {},
		},
	],
};

export const WILL: FlagGroup = {
	title: "Will",
	flags: [
		{
			usage: "--will-topic TOPIC",
			help: "the broker sends a message to TOPIC if this connection is lost",
			take: (settings, args) => void (settings.will.topic = takeName(args)),
		},
		{
			usage: "--will-payload TEXT",
			help: "what it says (default: nothing)",
			take: (settings, args) => void (settings.will.payload = args.bytes("TEXT")),
		},
		{
			usage: "--will-qos QOS",
			help: "0, 1 or 2 (default 0)",
			take: (settings, args) => void (settings.will.qos = args.integer(0, 2)),
		},
		{
			usage: "--will-retain",
			help: "the broker keeps it for who subscribes later",
			take: (settings) => void (settings.will.retain = true),
		},
	],
};
