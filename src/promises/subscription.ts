/** A subscription that the server has granted. */
import type { ClientSubscription } from "../client/subscriptions.js";
import { Cause } from "../errors.js";
import type { AsyncClient } from "./async-client.js";
import { causeError, reasonError } from "./client-error.js";

export class Subscription {
	constructor(
		private readonly client: AsyncClient,
		private readonly core: ClientSubscription,
		/** the QoS that was granted */
		readonly qos: number,
	) {}

	get filter(): string {
		return this.core.filter;
	}

	/** Ends it: no call comes from now on. @returns when the server has acknowledged. Rejects with a ClientError */
	unsubscribe(): Promise<void> {
		const what = `unsubscribe ${this.filter}`;
		return new Promise((resolve, reject) => {
			this.client.core.unsubscribe(this.core, (cause, reason) => {
				this.client.progress();
				if (cause === Cause.TransportClosed || (cause === Cause.None && reason < 0x80)) resolve();
				else reject(cause !== Cause.None ? causeError(what, cause) : reasonError(what, reason));
			});
			this.client.progress();
		});
	}
}
