/** Stands for the SDK's module "embedded:io/digital": pins that a program moves by `globalThis.movePin`. */
interface Options {
	pin: number;
	onReadable?: (this: Digital) => void;
}

/** Modules are preloaded, so what changes hangs on the global object. */
interface Holder {
	movePin?: (pin: number, level: number) => void;
}

export default class Digital {
	static readonly InputPullUp = 1;
	static readonly Rising = 1;
	static readonly Falling = 2;
	private level = 1;

	constructor(options: Options) {
		const holder = globalThis as Holder;
		const before = holder.movePin;
		holder.movePin = (pin, level) => {
			if (pin !== options.pin) return before?.(pin, level);
			this.level = level;
			options.onReadable?.call(this);
		};
	}

	read(): number {
		return this.level;
	}

	close(): void {}
}
