/** Packets as bytes, for what mqtt-packet refuses to make, and tests that hold for several versions. */
import type { IConnectPacket } from "mqtt-packet";
import { hex, type TestClient } from "../support/fixtures.js";
import { assert, type Test } from "../support/test.js";

/** 3: MQTT 3.1, 4: 3.1.1, 5: 5.0 */
export type Version = 3 | 4 | 5;

const LABELS = { 3: "3.1", 4: "3.1.1", 5: "5.0" };

/** Adds a test for each version that has an entry.
 *  @param ids by version: the statements that the test proves, such as "[5:MQTT-3.1.0-2]"; "": none */
export function each(
	test: Test,
	ids: { 3?: string; 4?: string; 5?: string },
	name: string,
	body: (version: Version) => void,
): void {
	for (const version of [3, 4, 5] as const) {
		const proved = ids[version];
		if (proved !== undefined) test(`${LABELS[version]}: ${name} ${proved}`.trim(), () => body(version));
	}
}

/** Options of a client whose session ends with its connection. */
export function fresh(version: Version): Partial<IConnectPacket> {
	return { protocolVersion: version, clean: true };
}

/** Options of a client whose session outlives its connection. */
export function lasting(version: Version): Partial<IConnectPacket> {
	const properties = version === 5 ? { properties: { sessionExpiryInterval: 100_000 } } : {};
	return { protocolVersion: version, clean: false, ...properties };
}

/** @returns a UTF-8 string or binary data with its two length bytes */
export function data(value: string | number[]): number[] {
	const bytes = typeof value === "string" ? [...Buffer.from(value)] : value;
	return [bytes.length >> 8, bytes.length & 255, ...bytes];
}

/** @returns Remaining Length, or any other variable byte integer */
export function variable(value: number): number[] {
	const bytes: number[] = [];
	for (let left = value; ; left >>= 7) {
		if (left < 128) return [...bytes, left];
		bytes.push((left & 127) | 128);
	}
}

/** @param first the fixed header's first byte @returns a whole packet */
export function packet(first: number, ...parts: number[][]): number[] {
	const body = ([] as number[]).concat(...parts);
	return [first, ...variable(body.length), ...body];
}

/** @returns an empty Property Length where the version has one */
export function none(version: Version): number[] {
	return version === 5 ? [0] : [];
}

export interface ConnectParts {
	name?: string | number[];
	level?: number;
	flags?: number;
	keepAlive?: number;
	/** 5.0's properties, without their length */
	properties?: number[];
	/** fields after the variable header; default: the Client Identifier "c" */
	payload?: number[];
}

/** @returns the bytes of a CONNECT, whatever they mean */
export function connectBytes(version: Version, parts: ConnectParts = {}): number[] {
	const keepAlive = parts.keepAlive ?? 0;
	return packet(
		0x10,
		data(parts.name ?? (version === 3 ? "MQIsdp" : "MQTT")),
		[parts.level ?? version, parts.flags ?? 2, keepAlive >> 8, keepAlive & 255],
		version === 5 ? [...variable(parts.properties?.length ?? 0), ...(parts.properties ?? [])] : [],
		parts.payload ?? data("c"),
	);
}

/** @param flags the fixed header's low four bits @param id bytes of the Packet Identifier @returns a PUBLISH */
export function publishBytes(
	version: Version,
	flags: number,
	topic: string | number[],
	id: number[],
	payload: string | number[],
): number[] {
	return packet(0x30 | flags, data(topic), id, none(version), data(payload).slice(2));
}

/** @returns a SUBSCRIBE for one filter with its options byte */
export function subscribeBytes(version: Version, filter: string | number[], options: number, id = [0, 1]): number[] {
	return packet(0x82, id, none(version), data(filter), [options]);
}

export function unsubscribeBytes(version: Version, filter: string | number[], id = [0, 1]): number[] {
	return packet(0xa2, id, none(version), data(filter));
}

/** The broker ended the connection of a client that was connected; nothing but 5.0's DISCONNECT came before.
 *  @param reason 5.0's Reason Code; absent: any that tells of an error */
export function ended(client: TestClient, what = "", reason?: number): void {
	assert.ok(client.closed, `${what}: not closed`);
	const came = client.packets.splice(0);
	if (client.version !== 5) return assert.equal(came, [], `${what}: something was sent`);
	const last = came.pop();
	assert.equal(came, [], `${what}: more than DISCONNECT was sent`);
	if (last?.cmd !== "disconnect") return assert.unreachable(`${what}: no DISCONNECT`);
	if (reason === undefined) assert.ok(last.reasonCode! >= 0x80, `${what}: reason ${last.reasonCode}`);
	else assert.is(last.reasonCode, reason, what);
}

/** The broker refused a CONNECT and ended the connection.
 *  @param code 3.1.1's return code; 0: no CONNACK came @param reason 5.0's Reason Code; absent: any of an error */
export function refused(client: TestClient, what: string, code: number, reason?: number): void {
	assert.ok(client.closed, `${what}: not closed`);
	if (client.version !== 5) {
		assert.equal(client.bytes, code === 0 ? [] : [0x20, 2, 0, code], what);
	} else if (client.packets.length > 0) {
		const connack = client.take("connack");
		assert.is(connack.sessionPresent, false, what);
		if (reason === undefined) assert.ok(connack.reasonCode! >= 0x80, `${what}: reason ${connack.reasonCode}`);
		else assert.is(connack.reasonCode, reason, what);
	}
	client.packets = [];
}

/** Byte sequences that are no UTF-8. */
export const ILL_FORMED: readonly number[][] = [
	"80",
	"bf",
	"c0 80",
	"c1 bf",
	"c3",
	"c3 28",
	"e0 80 80",
	"e2 82",
	"ed a0 80",
	"ed bf bf",
	"ed a0 bd ed b8 80",
	"f0 80 80 80",
	"f0 9f 98",
	"f4 90 80 80",
	"f8 88 80 80 80",
	"fe",
	"ff",
].map((bytes) => [...hex(bytes)]);
