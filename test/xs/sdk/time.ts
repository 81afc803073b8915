/** Stands for the SDK's module "time": a counter of 32 bits that soon begins again. */
const BEFORE_WRAP = 1_000;

export default {
	get ticks(): number {
		return (Math.floor(host.now()) + 0xffff_ffff - BEFORE_WRAP) >>> 0;
	},
	delta(start: number, end: number): number {
		return (end - start) >>> 0;
	},
};
