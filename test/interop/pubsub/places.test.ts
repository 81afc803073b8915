/** `hearth pub` and `hearth sub` find their way by TLS and Unix domain sockets as Mosquitto's commands do, and refuse
 *  what those refuse. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsOptions } from "node:tls";
import { makeCertificate } from "../../../host-sim/certificate.js";
import { suite } from "../../support/test.js";
import { available, type Broker, hearth, mosquitto } from "./brokers.js";
import { type Case, compareAll } from "./compare.js";

const test = suite("hearth pub and sub by TLS and Unix domain sockets");
const folder = mkdtempSync(join(tmpdir(), "hearth-places-"));

function file(name: string, content: string): string {
	const path = join(folder, name);
	writeFileSync(path, content);
	return path;
}

const authority = makeCertificate({ commonName: "an authority", days: 9, usage: "authority" });
const other = makeCertificate({ commonName: "another authority", days: 9, usage: "authority" });
const server = makeCertificate({
	commonName: "hub",
	hosts: ["localhost"],
	days: 9,
	usage: "server",
	issuer: authority,
});
const alice = makeCertificate({ commonName: "alice", days: 9, usage: "client", issuer: authority });
const ca = file("ca.crt", authority.cert);
const otherCa = file("other.crt", other.cert);
const own = `--cert ${file("alice.crt", alice.cert)} --key ${file("alice.key", alice.key)}`;

const tls: TlsOptions = { cert: server.cert, key: server.key };
const mutual: TlsOptions = { ...tls, ca: authority.cert, requestCert: true, rejectUnauthorized: true };

/** @returns one for each command @param end how sub ends */
function both(args: string, near: Case["near"], end = "-E"): Case[] {
	const message = "-t {t}/a -m hello -q 1";
	return [
		{ command: "pub", line: `${args} ${message}`, ...(near && { near }) },
		{ command: "sub", line: `${args} -t {t}/a ${end}`, ...(near && { near }) },
	];
}

const at = (host: string) => `-h ${host} -p {port}`;

const PLACES: Case[] = [
	...both("--unix {path}", "unix"),
	...both("--unix {path} -V 5 -k 20", "unix"),
	...both(`${at("localhost")} --cafile ${ca}`, tls),
	...both(`${at("localhost")} --cafile ${ca} --tls-version tlsv1.3`, tls),
	...both(`${at("localhost")} --cafile ${ca} --tls-version tlsv1.2`, { ...tls, maxVersion: "TLSv1.2" }),
	...both(`${at("localhost")} --cafile ${ca} --tls-alpn mqtt`, { ...tls, ALPNProtocols: ["mqtt"] }),
	...both(`${at("localhost")} --cafile ${ca} --ciphers ECDHE-ECDSA-AES128-GCM-SHA256`, {
		...tls,
		maxVersion: "TLSv1.2",
	}),
	...both(`${at("127.0.0.1")} --cafile ${ca} --insecure`, tls),
	...both(`${at("localhost")} --cafile ${ca} ${own} --keyform pem -V 5`, mutual),
	{ command: "pub", line: `-L mqtts://ann:pw@localhost:{port}/{t}/a --cafile ${ca} -m 1`, near: tls },
	{ command: "sub", line: `-L mqtts://ann:pw@localhost:{port}/{t}/a --cafile ${ca} -E`, near: tls },
];

/** Nothing is sent, and the exit code says so: Mosquitto has one for TLS. */
const UNBELIEVED = [
	both(`${at("127.0.0.1")} --cafile ${ca}`, tls),
	both(`${at("localhost")} --cafile ${otherCa}`, tls),
];
const REFUSED: Case[] = [
	...UNBELIEVED.flat().map((one): Case => ({ ...one, codes: [8, 1] })),
	...both("--unix {path}.missing", undefined),
];

const brokers: Broker[] = available ? [await hearth(), await mosquitto()] : [];
test.after(async () => {
	for (const broker of brokers) await broker.close();
	rmSync(folder, { recursive: true });
});

for (const name of ["Hearth", "Mosquitto"])
	test.if(available, "mosquitto and mosquitto-clients are not installed")(`${name}: what is sent`, async () => {
		await compareAll(brokers.find((one) => one.name === name)!, PLACES);
	});

test.if(available, "mosquitto and mosquitto-clients are not installed")(
	"a server that is not believed, or not there: nothing is sent, and an exit code that is not 0",
	() => compareAll(brokers[0]!, REFUSED),
);

test.run();
