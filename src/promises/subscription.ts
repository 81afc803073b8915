/** A subscription that the server has granted. */
import type { ClientSubscription } from "../client/subscriptions.js";
import { Cause } from "../errors.js";
import type { AsyncClient } from "./async-client.js";

export class Subscription {
	/** @internal */
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
				const error = this.client.errorOf(what, cause, reason);
				if (error === undefined || cause === Cause.TransportClosed) resolve();
				else reject(error);
			});
			this.client.progress();
		});
	}
}
