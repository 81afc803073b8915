/** What a broker counts: traffic, refusals and drops, each by its cause. */
import { type Cause, causeCount, causeName } from "../errors.js";

export class Counters {
	bytesReceived = 0;
	packetsReceived = 0;
	publishesReceived = 0;
	publishesSent = 0;
	connectionsOpened = 0;
	willsPublished = 0;
	refusedPublishes = 0;
	refusedSubscriptions = 0;
	/** messages for one receiver that were not queued: its queue was full, the store was full, larger than it takes,
	 *  expired */
	dropsQueue = 0;
	dropsStore = 0;
	dropsTooLarge = 0;
	dropsExpired = 0;
	/** Retained Messages that were not kept */
	dropsRetained = 0;
	/** exceptions of the program's own handlers, and of ours */
	handlerErrors = 0;
	internalErrors = 0;
	private readonly closed: Uint32Array;

	constructor() {
		this.closed = new Uint32Array(causeCount);
	}

	/** A connection ended for this cause. */
	count(cause: Cause): void {
		this.closed[cause]!++;
	}

	/** @returns connections that ended for the cause */
	closedFor(cause: Cause): number {
		return this.closed[cause]!;
	}

	/** @returns ended connections by the cause's name, only those that there were. Allocates. */
	closedByName(): Map<string, number> {
		const result = new Map<string, number>();
		for (let i = 0; i < causeCount; i++) if (this.closed[i]! > 0) result.set(causeName(i), this.closed[i]!);
		return result;
	}
}
