/** What `import … from "hearth-mqtt"` gives in a Moddable project that includes src/manifest.json. */
export * from "hearth-mqtt/src/index";
