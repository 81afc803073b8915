/** Stands for the SDK's module "text/encoder": the host has the same native code. */
export default globalThis.TextEncoder;
