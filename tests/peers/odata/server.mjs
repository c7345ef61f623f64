// An OData 4 service by SAP's mock server, with items and sales orders in memory. Prints its port.
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const require = createRequire(process.argv[2] + "/");
const Server = require("@sap-ux/fe-mockserver-core").default;
const Router = require("router");

const here = path.dirname(fileURLToPath(import.meta.url));
const service = {
  urlPath: process.argv[3],
  metadataPath: path.join(here, "metadata.xml"),
  mockdataPath: path.join(here, "data"),
  generateMockData: false,
  watch: false,
};
const mock = new Server({ services: [service], annotations: [], plugins: [] });
await mock.isReady;
const router = Router();
router.use(mock.getRouter());
const answer = (request, response) =>
  router(request, response, (error) => {
    response.statusCode = error ? 500 : 404;
    response.end(error ? String(error) : "no such service");
  });

// OData lets the parts of a batch be addressed from the host's root on; this server knows addresses relative to the batch alone.
async function relative(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString().replace(/^(POST|PATCH|GET|DELETE) \//gm, "$1 ");
  const bytes = Buffer.from(body);
  const { url, method } = request;
  const headers = { ...request.headers, "content-length": String(bytes.length) };
  return Object.assign(Readable.from([bytes]), { url, method, headers, originalUrl: url });
}

const server = http.createServer(async (request, response) =>
  answer(request.url.endsWith("/$batch") ? await relative(request) : request, response),
);
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
