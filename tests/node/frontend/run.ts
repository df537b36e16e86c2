// Runs one operation through one client of docs/frontend.md, and prints each thing that happens as a line of JSON.
// node run.js CLIENT {"query", "variables"}
import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { WebSocket } from "ws";

Object.assign(globalThis, { WebSocket }); // Node.js has one of its own from version 22

import { client as apollo } from "./apollo";
import { mutate } from "./backend";
import { rolecastFetch } from "./http";
import { follow, reason, type Live } from "./live";
import { USER_ROLES } from "./operations";
import { network } from "./relay";
import { HTTP_URL } from "./session";
import { showRoles } from "./show-roles";
import { sse } from "./sse";
import { byHash } from "./trusted";
import { client as urql } from "./urql";
import { watch } from "./watch";
import { ws } from "./ws";

interface Asked {
  query: string;
  variables: Record<string, any>;
}
type Run = (asked: Asked, isLive: boolean) => unknown;

const say = (kind: string, value: unknown): boolean => process.stdout.write(JSON.stringify({ [kind]: value }) + "\n");
const failed = (error: any): unknown => say("error", error?.errors?.[0]?.extensions?.code ?? reason(error).code);
// What a client made of a refusal, or of an answer
const told = ({ data, errors }: { data?: unknown; errors?: readonly any[] }): unknown =>
  errors?.length ? say("error", errors[0].extensions?.code) : say("next", { data });

const following = (live: Live) => (asked: Asked) =>
  follow(live, asked, { next: told, error: failed, complete: () => say("complete", true) });

const clients: Record<string, Run> = {
  ws: following(ws),
  sse: following(sse),
  apollo({ query, variables }, isLive) {
    if (!isLive) return apollo.query({ query: gql(query), variables, fetchPolicy: "network-only" }).then(told, failed);
    return apollo.subscribe({ query: gql(query), variables }).subscribe({
      next: ({ data, error }) => (error ? failed(error) : told({ data })),
      error: failed,
    });
  },
  urql({ query, variables }, isLive) {
    const source = isLive ? urql.subscription(query, variables) : urql.query(query, variables);
    return source.subscribe(({ data, error }) => {
      if (error) say("error", error.graphQLErrors[0]?.extensions.code ?? reason(error.networkError).code);
      else told({ data });
    });
  },
  relay({ query, variables }, isLive) {
    const [, name] = /(\w+)\(/.exec(query)!;
    const operation = { name, text: query, id: null, cacheID: query, metadata: {} };
    const request = { ...operation, operationKind: isLive ? "subscription" : "query" };
    return network.execute(request as Parameters<typeof network.execute>[0], variables, {}).subscribe({
      next: (answer) => told(answer as Parameters<typeof told>[0]),
      error: failed,
    });
  },
  cached({ query, variables }) {
    apollo.watchQuery({ query: gql(query), variables }).subscribe(({ data }) => data && told({ data }));
    apollo.subscribe({ query: gql(USER_ROLES), variables: { userId: variables.id } }).subscribe({ error: failed });
  },
  trusted({ query, variables }) {
    const link = byHash.concat(new HttpLink({ uri: HTTP_URL, fetch: rolecastFetch }));
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    return client.query({ query: gql(query), variables }).then(told, failed);
  },
  scripted({ query, variables: { ends, ...variables } }) {
    const live: Live = {
      subscribe(operation, sink) {
        say("subscribed", operation.variables);
        const end = ends.shift() as { next?: object; errors?: []; close?: number; reason?: string };
        setTimeout(() => {
          if (end.next) sink.next({ data: { roleChanges: end.next } });
          if (end.errors || end.close) sink.error(end.errors ?? { code: end.close, reason: end.reason });
        });
        return () => {};
      },
    };
    return following(live)({ query, variables });
  },
  async fetch({ query, variables }) {
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify({ query, variables });
    told((await (await rolecastFetch(HTTP_URL, { method: "POST", headers, body })).json()) as object);
  },
  shown: ({ variables }) => showRoles(variables.user, (names) => say("roles", names), (why) => say("error", why)),
  watched: ({ variables }) =>
    watch(variables.sse ? sse : ws, variables.organization, {
      start: (held) => say("start", Object.fromEntries([...held].map(([user, roles]) => [user, [...roles]]))),
      change: ({ kind, userId, roleName }) => say("change", [kind, userId, roleName]),
      fail: (why) => say("error", why),
    }, new AbortController().signal),
  mutated: async ({ query, variables: { url, key, again, ...variables } }) => {
    for (let times = 0; times < 2; times++) told(await mutate(url, key, query, variables, again));
  },
};

// Apollo says in development what it would lose from its cache; nothing of this may
console.warn = console.error = (...words: unknown[]) => say("warned", words.map(String));

const [name, asked] = process.argv.slice(2);
const operation = JSON.parse(asked) as Asked;
void clients[name](operation, operation.query.trimStart().startsWith("subscription"));

// The test ends this by closing standard input.
process.stdin.resume();
process.stdin.on("end", () => process.exit());
