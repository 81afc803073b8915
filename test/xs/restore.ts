/** On XS: a broker with an ESP32's limits takes up a storage as full as its tables may be, and goes on: reports what is
 *  in use before and after. The records lie in ROM, so that the medium takes nothing of the heap. */
import { limits } from "../../boards/esp32/limits.js";
import { Broker } from "../../src/broker/broker.js";
import type { RecordVisitor, Storage, StorageTarget } from "../../src/platform.js";
import { Feeder } from "./clients.js";
import { report } from "./measure.js";
import { XsPlatform } from "./platform.js";

/** A record's key, and its value's bytes in hexadecimal; "" after the last. */
export type RecordAt = (index: number) => { key: number; hex: string };

const digits = "0123456789abcdef";

/** What was written before; what is written now is counted and forgotten. */
class RomStorage implements Storage {
	readonly valueBytesMax = 8_192;
	readonly bytesMax = 1_000_000;
	readonly bytesUsed = 0;
	changes = 0;
	batch = 0;
	target: StorageTarget | undefined = undefined;
	private readonly value: Uint8Array;

	constructor(
		private readonly count: number,
		private readonly recordAt: RecordAt,
	) {
		this.value = new Uint8Array(1_024);
	}

	open(target: StorageTarget): void {
		this.target = target;
	}

	each(first: number, last: number, visitor: RecordVisitor): void {
		for (let i = 0; i < this.count; i++) {
			const { key, hex } = this.recordAt(i);
			if (key < first || key > last) continue;
			for (let at = 0; at < hex.length; at += 2)
				this.value[at >> 1] = (digits.indexOf(hex.charAt(at)) << 4) | digits.indexOf(hex.charAt(at + 1));
			visitor.visit(key, this.value, 0, hex.length >> 1);
		}
	}

	put(): boolean {
		this.changes++;
		return true;
	}

	delete(): boolean {
		this.changes++;
		return true;
	}

	rollback(): void {}

	commit(): number {
		return ++this.batch;
	}

	close(): void {}
}

function use(): { slots: number; chunks: number } {
	host.gc();
	return { slots: host.slots() * host.slotSize(), chunks: host.chunks() };
}

export function main(count: number, recordAt: RecordAt): void {
	const platform = new XsPlatform();
	platform.log = () => {};
	const medium = new RomStorage(count, recordAt);
	const before = use();
	const broker = new Broker({ limits, platform, storage: { medium, durability: "interval" } });
	const restored = use();
	report("restored", {
		slots: restored.slots - before.slots,
		chunks: restored.chunks - before.chunks,
		sessions: broker.clientSessions,
		subscriptions: broker.table.count,
		retained: broker.retained.count,
		deliveries: limits.deliveries - broker.deliveries.freeCount,
		lost: broker.persist!.lost,
	});
	const feeder = new Feeder(broker);
	const client = feeder.connect("c0", false)!;
	for (let n = 0; n < 2_000; n++) {
		feeder.publish(client, "r/1", 30, 1, true, 1 + n);
		if (n % 50 !== 0) continue;
		broker.beginTurn();
		broker.persist!.tick();
		if (medium.batch > 0) medium.target!.onDurable(medium.batch);
		broker.endTurn();
	}
	const late = use();
	report("went on", { slots: late.slots - before.slots, chunks: late.chunks - before.chunks, batches: medium.batch });
	host.exit(0);
}
