/** The native half: flash-pico.c. */
export function bytes() {
	return native("xs_hearth_flash_bytes").call(this);
}

export function read(at, into) {
	return native("xs_hearth_flash_read").call(this, at, into);
}

export function program(at, from) {
	return native("xs_hearth_flash_program").call(this, at, from);
}

export function erase(sector) {
	return native("xs_hearth_flash_erase").call(this, sector);
}
