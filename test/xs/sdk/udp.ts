/** Stands for the SDK's module "embedded:io/socket/udp": nobody sends anything here. */
export default class UDP {}
