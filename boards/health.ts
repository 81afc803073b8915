/** The line that a device prints each minute. */
import Instrumentation from "instrumentation";
import type { Broker } from "../src/broker/broker.js";
import type { DevicePlatform } from "./platform.js";

/** Release builds don't count. */
function bytes(name: "XS Slot Heap Used" | "XS Chunk Heap Used" | "System Free Memory"): string {
	const value = Instrumentation.get(Instrumentation.map(name));
	return value === undefined ? "?" : `${value}`;
}

/** @returns such as "up 60 s, clients 3 of 16, messages in 120 out 340, dropped 0, faults 0, …" */
export function healthLine(broker: Broker, platform: DevicePlatform): string {
	const c = broker.counters;
	const dropped = c.dropsQueue + c.dropsStore + c.dropsTooLarge + c.dropsExpired;
	const memory = `slots ${bytes("XS Slot Heap Used")}, chunks ${bytes("XS Chunk Heap Used")}`;
	return [
		`up ${Math.floor(broker.uptime / 1000)} s`,
		`clients ${broker.connectedCount} of ${broker.limits.connections}`,
		`messages in ${c.publishesReceived} out ${c.publishesSent}`,
		`dropped ${dropped}`,
		`faults ${platform.faults + c.internalErrors}`,
		`blocks free ${broker.pool.freeCount} of ${broker.pool.blockCount}`,
		`bytes used: ${memory}, free for the rest: ${bytes("System Free Memory")}`,
	].join(", ");
}
