// Probot 14 in one process: the signature is verified, an empty handler runs, 202 or 200 is answered, nothing is stored.
// usage: node server.mjs SECRET; prints the port it listens on.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createNodeMiddleware, createProbot } from "probot";

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const probot = createProbot({
  overrides: { appId: 1, privateKey, secret: process.argv[2], logLevel: "fatal" },
});
const middleware = await createNodeMiddleware(
  (app) => {
    app.on("issues", async () => {});
  },
  { probot, webhooksPath: "/webhooks/github" },
);
const server = createServer((request, response) => {
  middleware(request, response, () => {
    response.writeHead(404);
    response.end();
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
