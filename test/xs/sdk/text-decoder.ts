/** Stands for the SDK's module "text/decoder": the host has the same native code. */
export default globalThis.TextDecoder;
