// GraphiQL for Rolecast: operations go out with the headers of the headers editor, subscriptions over a WebSocket.
"use strict";

const { createElement } = React;
const PLACEHOLDER = "<your key>";
const HEADERS = JSON.stringify({ Authorization: `Bearer ${PLACEHOLDER}` }, null, 2);
const QUERY = `# Rolecast: who holds which role.
# Ctrl+Enter runs what the cursor is in,
# Ctrl+Space completes, and the book on the left
# is the whole schema.

query Who {
  organizations(first: 5) {
    nodes {
      id
      users(first: 10) {
        nodes {
          id
          name
          roles { role { name } since }
        }
      }
    }
  }
}

# Live: every role that somebody gains or loses.

subscription Live {
  roleChanges { kind userId roleName at }
}
`;
const SETTLED = 600; // milliseconds without a keystroke, so that a key being typed is not tried letter by letter
const WORDS = {
  hint: "To ask, put an API key or a user token in the place of <your key> under “Headers”, below the query. "
    + "In development it is the ROLECAST_API_KEY that the server printed as it started.",
  unreadable: "The headers are not a JSON object yet.",
  refused: "This key is refused. Is it the whole key, of this server?",
  failed: "There is no schema to show",
};

const url = new URL("/graphql", location.href).href;
let socket; // { authorization, client }
let settling; // the timer of an edit
let fetcher; // of the credential in use
let known; // the latest headers with a credential, as text; without any, the placeholder

/** Say what stands between this person and an answer; nothing when nothing does. */
function say(kind, detail = "") {
  const status = document.getElementById("status");
  status.hidden = kind === null;
  status.textContent = kind === null ? "" : WORDS[kind] + detail;
}

/** The headers as an object; null while the text is not a JSON object. */
function read(text) {
  try {
    const headers = JSON.parse(text || "{}");
    return headers && typeof headers === "object" && !Array.isArray(headers) ? headers : null;
  } catch {
    return null;
  }
}

/** The Authorization among headers, whatever the name's case; null while it is missing or still the placeholder. */
function authorizationOf(headers) {
  const name = Object.keys(headers ?? {}).find((each) => each.toLowerCase() === "authorization");
  const value = name === undefined ? "" : String(headers[name]).trim();
  return value && !value.includes(PLACEHOLDER) ? value : null;
}

/** The response of the server; that there is none, or none in JSON, is told like an error of GraphQL. */
async function post(parameters, headers) {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { accept: "application/graphql-response+json", ...headers, "content-type": "application/json" },
      body: JSON.stringify(parameters),
      credentials: "omit",
    });
    return await response.json();
  } catch (error) {
    return { errors: [{ message: `The server gave no answer: ${error.message}` }] };
  }
}

/** One socket for all subscriptions of one credential: it is what the socket is opened with. */
function clientFor(authorization) {
  if (socket?.authorization !== authorization) {
    socket?.client.dispose();
    const client = graphqlWs.createClient({
      url: url.replace(/^http/, "ws"),
      connectionParams: { Authorization: authorization },
      retryAttempts: 0, // what changed in between would be missing, silently
    });
    socket = { authorization, client };
  }
  return socket.client;
}

function subscribe(parameters, authorization) {
  const lost = (event) => ({ message: `The socket was closed: ${event.code} ${event.reason}` });
  return {
    subscribe(observer) {
      const sink = {
        next: (value) => observer.next(value),
        error: (error) => observer.error(error instanceof CloseEvent ? lost(error) : error),
        complete: () => observer.complete(),
      };
      return { unsubscribe: clientFor(authorization).subscribe(parameters, sink) };
    },
  };
}

function isSubscription(parameters, document) {
  const operations = (document?.definitions ?? []).filter((each) => each.kind === "OperationDefinition");
  const named = operations.find((each) => each.name?.value === parameters.operationName);
  return (named ?? (operations.length === 1 ? operations[0] : null))?.operation === "subscription";
}

/** The schema, or why there is none. `data` is always there: without it, GraphiQL would ask once more. */
async function introspect(parameters, headers) {
  const response = await post(parameters, headers);
  const problem = response.errors?.[0];
  if (!problem) {
    say(null);
  } else if (problem.extensions?.code === "UNAUTHENTICATED") {
    say("refused");
  } else {
    say("failed", `: ${problem.message}`);
  }
  return { data: null, ...response };
}

async function ask(parameters, options) {
  const headers = options?.headers ?? {};
  const authorization = authorizationOf(headers);
  if (authorization === null) {
    say("hint");
    return { hint: WORDS.hint };
  }
  if (parameters.operationName === "IntrospectionQuery") {
    return introspect(parameters, headers);
  }
  return isSubscription(parameters, options?.documentAST)
    ? subscribe(parameters, authorization)
    : post(parameters, headers);
}

/** GraphiQL asks for the schema when it is given another fetcher: another credential may see another. */
function use(headers) {
  known = headers;
  fetcher = (parameters, options) => ask(parameters, options);
  render();
}

function settle(text) {
  const headers = read(text);
  if (headers === null) {
    say("unreadable");
  } else if (authorizationOf(headers) === null) {
    say("hint");
  } else if (text !== known || !document.getElementById("status").hidden) {
    use(text);
  }
}

/** A tab or a query of the past comes back without its headers, which nobody kept: it gets those in use. */
function edited(text) {
  clearTimeout(settling);
  if (text === "" && !document.activeElement?.closest(".graphiql-editor-tool")) {
    settling = setTimeout(() => {
      render();
      render({ headers: known }); // GraphiQL takes a value when it is not the one of before
    });
  } else {
    settling = setTimeout(settle, SETTLED, text);
  }
}

/** Keep what GraphiQL keeps, but for headers in its history: it would keep those whatever its settings say. */
const storage = {
  get length() {
    return localStorage.length;
  },
  getItem: (key) => localStorage.getItem(key),
  removeItem: (key) => localStorage.removeItem(key),
  clear() {
    Object.keys(localStorage)
      .filter((key) => key.startsWith("graphiql:"))
      .forEach((key) => localStorage.removeItem(key));
  },
  setItem(key, value) {
    const past = key === "graphiql:queries" || key === "graphiql:favorites";
    const bare = (name, member) => (name === "headers" ? undefined : member);
    localStorage.setItem(key, past ? JSON.stringify(JSON.parse(value), bare) : value);
  },
};

function render(more = {}) {
  const properties = {
    fetcher,
    schema: authorizationOf(read(known)) === null ? null : undefined, // null: there is no use in asking for it yet
    storage,
    defaultQuery: QUERY,
    defaultHeaders: known,
    defaultEditorToolsVisibility: "headers",
    onEditHeaders: edited,
    ...more,
  };
  const logo = createElement(GraphiQL.Logo, null, "Rolecast");
  ReactDOM.render(createElement(GraphiQL, properties, logo), document.getElementById("graphiql"));
}

use(localStorage.getItem("graphiql:headers") || HEADERS); // there only while "Persist headers" is on
if (authorizationOf(read(known)) === null) {
  say("hint");
}
