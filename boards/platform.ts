/** The core's ports on a device with the Moddable SDK: clock, random numbers, turns, and what transports read into. */
import RNG from "rng";
import Time from "time";
import Timer from "timer";
import type { Broker } from "../src/broker/broker.js";
import { ReceiveBuffer } from "../src/memory/receive-buffer.js";
import type { Crypto, Platform, Text } from "../src/platform.js";
import { DeviceCrypto } from "./crypto.js";
import { DeviceText } from "./text.js";

/** How often the broker looks at its deadlines, ms. */
const TICK_MS = 250;

/** A timer that is only ever scheduled, never due by itself, ms. */
const NEVER_MS = 0x7fff_ffff;

/** What a transport does when the broker's turn is over. */
interface Resumed {
	bring(): void;
	/** the next one; undefined: none */
	nextResumed: Resumed | undefined;
}

/** What has turns: a broker, a client. */
export interface Program {
	endTurn(): void;
	tick(): void;
}

/** The buffer that transports read to where there is no broker, bytes. */
const RECEIVE_BYTES = 1_024;

/** `const platform = new DevicePlatform(); platform.attach(new Broker({ limits, platform }))`, then listeners; or
 *  `platform.add(new Client({ … }))`. All that are on a device share one platform. */
export class DevicePlatform implements Platform {
	readonly text: Text = new DeviceText();
	readonly crypto: Crypto = new DeviceCrypto();
	readonly copiesWrites = true;
	/** where transports read to; there is none before `attach` or `add` */
	receive: ReceiveBuffer | undefined = undefined;
	/** exceptions that were caught at an event's edge */
	faults = 0;
	private readonly programs: Program[] = [];
	private ticks: number = Time.ticks;
	private elapsed = 1;
	private inEvent = false;
	private woken = false;
	private firstResumed: Resumed | undefined = undefined;
	private readonly turnTimer: Timer;
	private tickTimer: Timer | undefined = undefined;

	constructor() {
		this.turnTimer = Timer.set(() => this.turn(), NEVER_MS, NEVER_MS);
	}

	now(): number {
		const ticks = Time.ticks;
		this.elapsed += Time.delta(this.ticks, ticks);
		this.ticks = ticks;
		return this.elapsed;
	}

	random(): number {
		return new Uint32Array(RNG.get(4))[0]!;
	}

	wake(): void {
		this.woken = true;
		if (!this.inEvent) Timer.schedule(this.turnTimer, 0, NEVER_MS);
	}

	log(level: number, line: string): void {
		trace(level === 0 ? `error: ${line}\n` : `${line}\n`);
	}

	/** Begins turns and ticks for a broker that was made with this platform, and gives all transports its memory to read
	 *  to. Before any other program: only from there it hands messages on without a copy. */
	attach(broker: Broker): void {
		this.receive = new ReceiveBuffer(broker.memory, broker.layout.receive, broker.limits.receiveBytes);
		this.add(broker);
	}

	/** Begins turns and ticks for a client that was made with this platform. */
	add(program: Program): void {
		this.receive ??= new ReceiveBuffer(new Uint8Array(RECEIVE_BYTES), 0, RECEIVE_BYTES);
		this.programs.push(program);
		this.tickTimer ??= Timer.repeat(() => this.tick(), TICK_MS);
	}

	/** Ends them. */
	detach(): void {
		Timer.clear(this.tickTimer);
		Timer.clear(this.turnTimer);
		this.programs.length = 0;
	}

	/** Each event of a transport begins with this, and ends with `endEvent`: one turn an event. */
	beginEvent(): void {
		this.inEvent = true;
	}

	/** Flushes what the event made the broker say. Throws nothing. */
	endEvent(): void {
		this.turn();
		this.inEvent = false;
	}

	/** Something that happens by a timer: one turn, and an exception stays here. */
	event(where: string, task: () => void): void {
		this.beginEvent();
		try {
			task();
		} catch (error) {
			this.fault(where, error);
		}
		this.endEvent();
	}

	/** A transport may read again; it does when the turn is over, because a broker is not called within its own call. */
	resumed(transport: Resumed): void {
		transport.nextResumed = this.firstResumed;
		this.firstResumed = transport;
		this.wake();
	}

	/** Tells of an exception at an event's edge, where it would restart the device. */
	fault(where: string, error: unknown): void {
		this.faults++;
		try {
			this.log(0, `${where}: ${(error as Error)?.stack ?? error}`);
		} catch {
			// such as no memory for the text
		}
	}

	private turn(): void {
		this.inEvent = true;
		try {
			while (this.woken) {
				this.woken = false;
				for (let i = 0; i < this.programs.length; i++) this.programs[i]!.endTurn();
				this.readAgain();
			}
		} catch (error) {
			this.fault("turn", error);
		}
		this.inEvent = false;
	}

	private readAgain(): void {
		let transport = this.firstResumed;
		this.firstResumed = undefined;
		while (transport !== undefined) {
			const next: Resumed | undefined = transport.nextResumed;
			transport.nextResumed = undefined;
			transport.bring();
			transport = next;
		}
	}

	protected ticking(): void {
		for (let i = 0; i < this.programs.length; i++) this.programs[i]!.tick();
	}

	private tick(): void {
		this.inEvent = true;
		try {
			this.ticking();
		} catch (error) {
			this.fault("tick", error);
		}
		this.endEvent();
	}
}
