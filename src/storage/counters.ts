/** What a journal did since it was opened. */

export class JournalCounters {
	/** bytes written to flash, those that made room and sector heads included */
	bytesWritten = 0;
	/** bytes of these that only made room */
	bytesMoved = 0;
	/** sectors erased */
	erases = 0;
	/** groups of batches that were written together */
	flushes = 0;
	/** places that hold no good record, found at start or later: cut writes, and rotten ones */
	damaged = 0;
	/** records of which one bit had turned over, each time that they were read */
	mended = 0;
	/** keys that led to a damaged record: an older value was found, or none */
	recovered = 0;
	lost = 0;
	/** changes that were refused */
	refused = 0;
	/** groups that were written before the bytes a day allowed it */
	overBudget = 0;
}
