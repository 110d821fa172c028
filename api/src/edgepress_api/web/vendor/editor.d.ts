export * from "./editor_parts.js";
