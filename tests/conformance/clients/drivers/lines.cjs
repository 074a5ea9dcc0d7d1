// How a driver is told what to do: one JSON object a line in, one a line out; see `client.py`.
"use strict";

const readline = require("node:readline");

// `actions` maps names to async functions of one object; an error with a `status` is a refusal by the record store.
exports.serve = async (actions) => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { action, ...given } = JSON.parse(line);
    let said;
    try {
      said = { result: (await actions[action](given)) ?? null };
    } catch (error) {
      said = { status: error.status ?? null, error: String(error.message ?? error) };
    }
    process.stdout.write(JSON.stringify(said) + "\n");
  }
};
