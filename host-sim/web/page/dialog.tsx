/** A dialog: modal, closed by Escape, with the keyboard inside of it. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

export function Dialog({
	title,
	onClose,
	children,
}: {
	title: string;
	onClose: () => void;
	children: ComponentChildren;
}) {
	const element = useRef<HTMLDialogElement>(null);
	useEffect(() => {
		if (!element.current?.open) element.current?.showModal();
	}, []);
	return (
		<dialog ref={element} onClose={onClose} aria-label={title}>
			<h2>{title}</h2>
			{children}
		</dialog>
	);
}
