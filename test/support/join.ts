/** Pairs a device with a hub over the network, as `hearth join` does, and keeps its keys in memory. */
import { randomFillSync } from "node:crypto";
import { connect } from "../../host-sim/client/index.js";
import { curve } from "../../host-sim/curve.js";
import { crypto, nodePlatform } from "../../host-sim/platform.js";
import type { DeviceKeys } from "../../src/hub/join.js";
import { JoinAuthentication } from "../../src/hub/join-authentication.js";

/** A device's ports on Node. */
export const nodePairing = {
	...nodePlatform(),
	crypto,
	curve,
	randomBytes: (bytes: Uint8Array) => void randomFillSync(bytes),
	defer: (task: () => void) => void setImmediate(task),
};

/** @returns the device's keys. Rejects with why it is not paired */
export async function pairWith(port: number, clientId: string, code: string): Promise<DeviceKeys> {
	let ready = (): void => {};
	const shareMade = new Promise<void>((resolve) => {
		ready = resolve;
	});
	const keep = (_keys: DeviceKeys, saved: (ok: boolean) => void): void => saved(true);
	const authentication = new JoinAuthentication(nodePairing, { clientId, code, model: "test", keep }, () => ready());
	authentication.prepare();
	await shareMade;
	try {
		const client = await connect({ port, clientId, version: 5, authentication, connectTimeoutMs: 30_000 });
		await client.end();
	} catch (error) {
		throw new Error(authentication.join.failure ?? (error as Error).message);
	}
	return authentication.join.keys!;
}
