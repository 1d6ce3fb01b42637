// A real identity provider on loopback. Arguments: the redirect addresses of its one client. Prints its issuer.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

// what the provider says of people where nobody else knows them
const GROUPS = {
  "b.lang": ["GG-Mitarbeiter", "GG-Leitung"],
  "a.klein": ["GG-Mitarbeiter", "GG-Steueramt", "GG-Finanzen"],
  "d.roth": ["GG-Mitarbeiter", "GG-DSB"],
  "i.admin": ["GG-IT"],
};

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: "laufzettel",
      client_secret: "geheim-geheim-geheim-geheim-geheim",
      redirect_uris: process.argv.slice(2),
      post_logout_redirect_uris: [new URL("/", process.argv[2]).href],
    }],
    claims: { openid: ["sub", "upn", "gruppen"], profile: ["name", "preferred_username"], email: ["email", "email_verified"] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, upn: `${id}@vg-bellheim.example`, name: id, preferred_username: id, gruppen: GROUPS[id] ?? [] }),
    }),
    // nobody is asked for consent: it is the house's own application
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope("openid profile email");
      await grant.save();
      return grant;
    },
    cookies: { keys: ["nur-fuer-tests"] },
    features: { devInteractions: { enabled: true } },
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
