/** The set-up page's two states. No script, nothing from elsewhere; for phones first. */

const HEAD = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Hearth</title><link rel="icon" href="data:,"><style>
:root{color-scheme:light dark;font:1.05rem/1.5 system-ui,sans-serif}
body{max-width:24rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.5rem;margin:0 0 .5rem}
label{display:block;margin:1rem 0}small{opacity:.8}
input,button{box-sizing:border-box;width:100%;font:inherit;margin-top:.25rem;border-radius:.5rem}
input{padding:.6rem;border:1px solid GrayText}
button{padding:.75rem;border:0;background:#b3431e;color:#fff}
:focus-visible{outline:3px solid #e8833a;outline-offset:2px}
[role=alert]{font-weight:600;color:#c0341d;color:light-dark(#b0301a,#ff9479)}
</style>`;

/** @param why what is to be changed; "": nothing was given yet @returns the page that asks */
export function setUpPage(why: string): string {
	return `${HEAD}<h1>Set up Hearth</h1>
<p>Which Wi-Fi is this hub to use? It is told once, here, and this network goes away.</p>
${why === "" ? "" : `<p role="alert">${textOf(why)}</p>`}<form method="post" action="/">
<label>Network<input name="ssid" required maxlength="32" autocapitalize="none" autocomplete="off"></label>
<label>Password<input name="password" type="password" maxlength="63" autocomplete="off">
<small>empty: an open network</small></label>
<label>Name of the hub<input name="name" maxlength="32" pattern="[a-z0-9\\-]+" placeholder="hearth"
autocapitalize="none"><small>devices find it as NAME.local</small></label>
<button>Use this network</button></form></html>`;
}

/** @returns the page that says what happens now */
export function setUpDone(ssid: string, host: string): string {
	return `${HEAD}<h1>Done</h1><p>Hearth starts anew and joins <b>${textOf(ssid)}</b>.
This network is gone: connect to that one, and find the hub as <b>${textOf(host)}.local</b>.</p>
<p><small>If it does not come: hold its button for ten seconds, and set it up again.</small></p></html>`;
}

/** @returns a text as HTML has it */
function textOf(text: string): string {
	return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
