// Where applicants sign in: a small identity provider on loopback that says whatever level it is told to. It is told in the
// address it is asked at (`&als=LEVEL`, and `&wer=NAME` for somebody else), checks PKCE and the one-time code, and signs with ES256. Prints its issuer.
// The provider beside it is the real thing, but its own sign-in page knows no levels.
import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { createServer } from "node:http";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwk = { ...publicKey.export({ format: "jwk" }), kid: "k1", alg: "ES256", use: "sig" };
const codes = new Map();
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function token(issuer, claims) {
  const now = Math.floor(Date.now() / 1000);
  const body = `${part({ alg: "ES256", kid: "k1" })}.${part({ iss: issuer, iat: now, exp: now + 300, ...claims })}`;
  return `${body}.${sign("sha256", Buffer.from(body), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

const server = createServer((request, response) => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const url = new URL(request.url, issuer);
  const json = (status, value) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  if (url.pathname === "/.well-known/openid-configuration") {
    return json(200, {
      issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks`,
      response_types_supported: ["code"], subject_types_supported: ["public"], id_token_signing_alg_values_supported: ["ES256"],
    });
  }
  if (url.pathname === "/jwks") return json(200, { keys: [jwk] });
  const given = url.searchParams;
  if (url.pathname === "/auth") {
    const code = randomUUID();
    codes.set(code, { name: given.get("wer") ?? "Erika Mustermann", acr: given.get("als") ?? undefined, nonce: given.get("nonce"), challenge: given.get("code_challenge"), client: given.get("client_id") });
    const back = new URL(given.get("redirect_uri"));
    back.searchParams.set("code", code);
    back.searchParams.set("state", given.get("state"));
    response.writeHead(303, { location: back.href });
    return response.end();
  }
  let body = "";
  request.on("data", (chunk) => { body += chunk; });
  request.on("end", () => {
    const sent = new URLSearchParams(body);
    const known = codes.get(sent.get("code"));
    codes.delete(sent.get("code"));
    const proof = createHash("sha256").update(sent.get("code_verifier") ?? "").digest("base64url");
    if (!known || known.challenge !== proof) return json(400, { error: "invalid_grant" });
    // name and date of birth are kept with an application; subject and address may not be
    const person = { sub: "bundid-4711", name: known.name, birthdate: "1964-08-12", email: "erika@post.example" };
    const id = token(issuer, { aud: known.client, nonce: known.nonce, acr: known.acr, ...person });
    json(200, { access_token: "x", token_type: "Bearer", id_token: id });
  });
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
