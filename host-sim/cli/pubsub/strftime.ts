/** C's strftime(3) in its "C" locale, one conversion at a time. */

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
	"January",
	"February",
	"March",
	"April",
	"May",
	"June",
	"July",
	"August",
	"September",
	"October",
	"November",
	"December",
];

const two = (value: number): string => String(value).padStart(2, "0");
const blank = (value: number): string => String(value).padStart(2, " ");
const hour12 = (date: Date): number => date.getHours() % 12 || 12;
const DAY_MS = 86_400_000;

/** @returns days since January 1st, in local time: daylight saving time doesn't count */
function dayOfYear(date: Date): number {
	const start = Date.UTC(date.getFullYear(), 0, 1);
	return Math.round((Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - start) / DAY_MS);
}

/** @returns the week of the year; week 1 begins with the first `firstDay` (0 Sunday, 1 Monday) */
function week(date: Date, firstDay: number): number {
	return Math.floor((dayOfYear(date) + 7 - ((date.getDay() + 7 - firstDay) % 7)) / 7);
}

/** @returns year and week of ISO 8601: that of the week's Thursday */
function isoWeek(date: Date): [year: number, week: number] {
	const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 4 - (date.getDay() || 7));
	return [thursday.getFullYear(), 1 + Math.floor(dayOfYear(thursday) / 7)];
}

/** @returns such as +0100 */
function zone(date: Date): string {
	const minutes = -date.getTimezoneOffset();
	const size = Math.abs(minutes);
	return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}${two(size % 60)}`;
}

/** Places whose English knows the short names of the time zones around them. */
const ZONE_LOCALES = ["en-US", "en-GB", "en-AU", "en-IN", "en-NZ", "en-ZA"];

/** @returns such as CET; where no name is known, such as GMT+3 */
function zoneName(date: Date): string {
	let name = "";
	for (const locale of ZONE_LOCALES) {
		const parts = new Intl.DateTimeFormat(locale, { timeZoneName: "short" }).formatToParts(date);
		name = parts.find(({ type }) => type === "timeZoneName")?.value ?? name;
		if (/^[A-Z]+$/.test(name)) break;
	}
	return name;
}

const CONVERSIONS: Readonly<Record<string, (date: Date) => string>> = {
	a: (date) => DAYS[date.getDay()]!.slice(0, 3),
	A: (date) => DAYS[date.getDay()]!,
	b: (date) => MONTHS[date.getMonth()]!.slice(0, 3),
	B: (date) => MONTHS[date.getMonth()]!,
	c: (date) => sequence(date, "a b e T Y"),
	C: (date) => two(Math.floor(date.getFullYear() / 100)),
	d: (date) => two(date.getDate()),
	D: (date) => sequence(date, "m/d/y"),
	e: (date) => blank(date.getDate()),
	F: (date) => sequence(date, "Y-m-d"),
	g: (date) => two(isoWeek(date)[0] % 100),
	G: (date) => String(isoWeek(date)[0]),
	h: (date) => MONTHS[date.getMonth()]!.slice(0, 3),
	H: (date) => two(date.getHours()),
	I: (date) => two(hour12(date)),
	j: (date) => String(dayOfYear(date) + 1).padStart(3, "0"),
	k: (date) => blank(date.getHours()),
	l: (date) => blank(hour12(date)),
	m: (date) => two(date.getMonth() + 1),
	M: (date) => two(date.getMinutes()),
	n: () => "\n",
	p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
	P: (date) => (date.getHours() < 12 ? "am" : "pm"),
	r: (date) => sequence(date, "I:M:S p"),
	R: (date) => sequence(date, "H:M"),
	s: (date) => String(Math.floor(date.getTime() / 1000)),
	S: (date) => two(date.getSeconds()),
	t: () => "\t",
	T: (date) => sequence(date, "H:M:S"),
	u: (date) => String(date.getDay() || 7),
	U: (date) => two(week(date, 0)),
	V: (date) => two(isoWeek(date)[1]),
	w: (date) => String(date.getDay()),
	W: (date) => two(week(date, 1)),
	x: (date) => sequence(date, "m/d/y"),
	X: (date) => sequence(date, "H:M:S"),
	y: (date) => two(date.getFullYear() % 100),
	Y: (date) => String(date.getFullYear()),
	z: zone,
	Z: zoneName,
	"%": () => "%",
};

/** @returns the letters' conversions with what stands between them */
function sequence(date: Date, letters: string): string {
	return letters.replace(/[A-Za-z]/g, (letter) => CONVERSIONS[letter]!(date));
}

/** @param letter the conversion's, without its %: one that is unknown stays as it is, with a %
 *  @returns what it stands for at that time, in the local time zone */
export function strftime(letter: string, date: Date): string {
	return Object.hasOwn(CONVERSIONS, letter) ? CONVERSIONS[letter]!(date) : `%${letter}`;
}
