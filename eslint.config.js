import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["**/.*/", "build/", "docs/", "api/src/edgepress_api/web/vendor/{echarts,editor}.js"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "max-lines-per-function": ["error", { max: 60 }],
      "max-params": ["error", { max: 5 }],
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-shadow": "error",
      "no-throw-literal": "error",
      "no-unneeded-ternary": "error",
      "no-useless-return": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  {
    files: ["api/src/edgepress_api/web/static/*.js"],
    languageOptions: { globals: globals.browser },
    rules: {
      // Text is inserted as text. HTML that is built from strings could run a script that a job's name contains.
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML"].map((property) => ({ property })),
      ],
    },
  },
];
