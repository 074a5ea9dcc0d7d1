// @xapi/xapi, driven line by line: node xapi.cjs ENDPOINT KEY SECRET VERSION
"use strict";

const XAPI = require("@xapi/xapi");
const { serve } = require("./lines.cjs");

const [endpoint, key, secret, version] = process.argv.slice(2);
const options = { endpoint, auth: XAPI.toBasicAuth(key, secret), version };
const xapi = new XAPI(options);
// Its other adapter, because in Node.js that of axios gives a Blob a content type of its own.
const fetching = new XAPI({ ...options, adapter: "fetch" });

const asked = async (promise) => {
  try {
    return await promise;
  } catch (error) {
    throw { status: error.response?.status, message: error.message };
  }
};

const page = async ({ activity, limit }) => {
  let { data } = await asked(xapi.getStatements({ activity, limit }));
  const ids = data.statements.map((one) => one.id);
  while (data.more) {
    ({ data } = await asked(xapi.getMoreStatements({ more: data.more })));
    ids.push(...data.statements.map((one) => one.id));
  }
  return ids;
};

const attach = async ({ statement, contents }) => {
  const attachments = contents.map((content) => new TextEncoder().encode(content).buffer);
  return (await asked(fetching.sendStatement({ statement, attachments }))).data[0];
};

const attached = async ({ statement_id: id }) => (await asked(xapi.getStatement({ statementId: id, attachments: true }))).data.slice(1);

serve({
  write: async ({ statements }) => (await asked(xapi.sendStatements({ statements }))).data,
  read: async ({ statement_id: id }) => (await asked(xapi.getStatement({ statementId: id }))).data,
  readVoided: async ({ statement_id: id }) => (await asked(xapi.getVoidedStatement({ voidedStatementId: id }))).data,
  page,
  void: async ({ statement_id: id, actor }) => (await asked(xapi.voidStatement({ statementId: id, actor }))).data[0],
  attach,
  attached,
  makeProfile: ({ activity, name, content }) =>
    asked(
      xapi.setActivityProfile({
        activityId: activity, profileId: name, profile: content, etag: "*", matchHeader: "If-None-Match",
      }),
    ).then(() => null),
  changeProfile: ({ activity, name, content, etag }) =>
    asked(
      xapi.setActivityProfile({ activityId: activity, profileId: name, profile: content, etag, matchHeader: "If-Match" }),
    ).then(() => null),
  readProfile: async ({ activity, name }) => {
    const answer = await asked(xapi.getActivityProfile({ activityId: activity, profileId: name }));
    return { content: answer.data, etag: answer.headers.etag ?? answer.headers.get?.("etag") };
  },
  writeState: ({ activity, agent, name, content }) =>
    asked(xapi.setState({ activityId: activity, agent, stateId: name, state: content })).then(() => null),
  readState: async ({ activity, agent, name }) =>
    (await asked(xapi.getState({ activityId: activity, agent, stateId: name }))).data,
  states: async ({ activity, agent }) => (await asked(xapi.getStates({ activityId: activity, agent }))).data,
  deleteState: ({ activity, agent, name }) =>
    asked(xapi.deleteState({ activityId: activity, agent, stateId: name })).then(() => null),
});
