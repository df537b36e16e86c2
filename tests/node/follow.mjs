// Follows one subscription through graphql-ws, and prints each thing that happens as a line of JSON.
// node follow.mjs URL AUTHORIZATION REQUEST
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [url, authorization, request] = process.argv.slice(2);
const say = (kind, value) => process.stdout.write(JSON.stringify({ [kind]: value }) + "\n");

const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: { Authorization: authorization },
  retryAttempts: 5,
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 200)),
  shouldRetry: (event) => event.code !== 4403,
  on: { connected: () => say("connected", true), closed: (event) => say("closed", event.code) },
});

function end() {
  process.stdin.destroy();
  client.dispose();
}

const unsubscribe = client.subscribe(JSON.parse(request), {
  next: (result) => say("next", result),
  error: (error) => {
    say("error", Array.isArray(error) ? error.map((each) => each.extensions.code) : (error.code ?? String(error)));
    end();
  },
  complete: () => {
    say("complete", true);
    end();
  },
});

// The test asks to unsubscribe by closing standard input.
process.stdin.resume();
process.stdin.on("end", unsubscribe);
