/** The native half: chance.c. */
export default function chance(bytes) {
	return native("xs_hearth_chance").call(this, bytes);
}
