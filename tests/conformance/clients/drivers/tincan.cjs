// tincanjs, driven line by line: node tincan.cjs ENDPOINT KEY SECRET VERSION
"use strict";

const TinCan = require("tincanjs");
const { serve } = require("./lines.cjs");

const [endpoint, username, password, version] = process.argv.slice(2);
const lrs = new TinCan.LRS({ endpoint, username, password, version, allowFail: false });
TinCan.disableDebug();

// A call of the library with a callback: its result, or an error with the status.
const called = (name, ...given) =>
  new Promise((resolve, reject) => {
    const options = given.pop();
    const callback = (error, result) =>
      error === null ? resolve(result) : reject({ status: result?.status ?? error, message: result?.responseText });
    lrs[name](...given, { ...options, callback });
  });

const written = async (statements) => {
  const answer = await called("saveStatements", statements, {});
  return JSON.parse(answer.responseText);
};

const page = async ({ activity, limit }) => {
  let found = await called("queryStatements", { params: { activity: new TinCan.Activity({ id: activity }), limit } });
  const ids = found.statements.map((one) => one.id);
  while (found.more) {
    found = await called("moreStatements", { url: found.more });
    ids.push(...found.statements.map((one) => one.id));
  }
  return ids;
};

const of = ({ activity, agent, ...rest }) => ({
  activity: new TinCan.Activity({ id: activity }), ...(agent && { agent: new TinCan.Agent(agent) }), ...rest,
});
const text = { contentType: "application/json" };

serve({
  write: ({ statements }) => written(statements.map((one) => new TinCan.Statement(one))),
  read: async ({ statement_id: id }) => (await called("retrieveStatement", id, {})).asVersion(version),
  readVoided: async ({ statement_id: id }) => (await called("retrieveVoidedStatement", id, {})).asVersion(version),
  page,
  void: async ({ statement_id: id, actor }) => {
    const verb = { id: "http://adlnet.gov/expapi/verbs/voided" };
    const target = { objectType: "StatementRef", id };
    return (await written([new TinCan.Statement({ actor, verb, target })]))[0];
  },
  attach: async ({ statement, contents }) => {
    const attachments = statement.attachments.map(
      (declared, place) =>
        new TinCan.Attachment({ ...declared, content: new TextEncoder().encode(contents[place]).buffer }),
    );
    await called("saveStatement", new TinCan.Statement({ ...statement, attachments }), {});
    return statement.id;
  },
  attached: async ({ statement_id: id }) => {
    const found = await called("retrieveStatement", id, { params: { attachments: true } });
    return found.attachments.map((one) => new TextDecoder().decode(one.content));
  },
  makeProfile: ({ name, content, ...about }) =>
    called("saveActivityProfile", name, JSON.stringify(content), { ...of(about), ...text }).then(() => null),
  changeProfile: ({ name, content, etag, ...about }) =>
    called("saveActivityProfile", name, JSON.stringify(content), { ...of(about), ...text, lastSHA1: etag }).then(
      () => null,
    ),
  readProfile: async ({ name, ...about }) => {
    const found = await called("retrieveActivityProfile", name, of(about));
    return { content: found.contents, etag: found.etag };
  },
  writeState: ({ name, content, ...about }) =>
    called("saveState", name, JSON.stringify(content), { ...of(about), ...text }).then(() => null),
  readState: async ({ name, ...about }) => (await called("retrieveState", name, of(about)))?.contents ?? null,
  states: (about) => called("retrieveStateIds", of(about)),
  deleteState: ({ name, ...about }) => called("dropState", name, of(about)).then(() => null),
});
