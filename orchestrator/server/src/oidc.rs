//! Signing in at the house's identity provider: OpenID Connect, code flow with PKCE.
//!
//! Owns what is known of the provider (discovery and keys, kept for a while) and what makes an ID token valid: issuer,
//! audience, nonce, expiry, signature by a key of the provider. Refuses to keep a token: what comes out are claims.
//! A provider that does not answer is unavailable, which is not a no.

mod claims;
mod http;

use std::{path::PathBuf, pin::Pin, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use laufzettel_directory::Claims;
use openidconnect::{
    AuthType, AuthenticationContextClass, AuthenticationFlow, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, HttpRequest,
    HttpResponse, IssuerUrl, LogoutRequest, Nonce, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, ProviderMetadataWithLogout, RedirectUrl,
    RequestTokenError, Scope, SignatureVerificationError, TokenResponse as _,
    core::{CoreAuthPrompt, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreJwsSigningAlgorithm, CoreResponseType, CoreTokenResponse},
};

use self::http::Http;
pub use self::{claims::Vouch, http::SetupError};

/// Seconds what a provider says of itself is believed: keys are rotated over days.
const KNOWN_S: i64 = 600;
/// Seconds until an unknown key makes us ask again: a forged token must not become a flood of questions.
const AGAIN_S: i64 = 60;
/// Seconds a provider that did not answer is left alone: people behind each other must not each wait for the timeout.
const PAUSE_S: i64 = 5;
/// Characters of a code: providers use some hundred.
const CODE_CHARS_MAX: usize = 4_096;
/// Signatures by a key of the provider only; `HS256` would make our own secret a signing key.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 5] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

#[derive(Debug, Clone)]
pub struct OidcOptions {
    pub issuer: String,
    pub client: String,
    /// The secret itself; `None` for a public client.
    pub secret: Option<String>,
    /// Besides `openid`.
    pub scopes: Vec<String>,
    pub ca: Option<PathBuf>,
    /// The claims that hold groups and the objectSid, where the provider sends them.
    pub groups: Option<String>,
    pub sid: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// Try again later.
    #[error("the identity provider does not answer: {0}")]
    Unavailable(String),
    /// Begin anew: the code is used up, or was never given out.
    #[error("the identity provider refused: {0}")]
    Refused(String),
    /// Somebody must look: what came back is not what we asked for.
    #[error("the ID token is not valid: {0}")]
    Invalid(String),
}

/// What one sign-in is bound to; made from randomness of whoever begins it.
#[derive(Debug, Clone)]
pub struct Binding {
    pub redirect: String,
    pub state: String,
    pub nonce: String,
    pub verifier: String,
}

type Answer = Pin<Box<dyn Future<Output = Result<HttpResponse, http::HttpError>> + Send>>;
type Provider = Arc<ProviderMetadataWithLogout>;

struct Known {
    at: Timestamp,
    /// `None`: it did not answer then.
    provider: Option<Provider>,
}

pub struct Oidc {
    options: OidcOptions,
    http: Arc<Http>,
    known: tokio::sync::Mutex<Option<Known>>,
}

impl Oidc {
    pub fn new(options: OidcOptions) -> Result<Self, SetupError> {
        Ok(Self { http: Arc::new(Http::new(options.ca.as_deref())?), options, known: tokio::sync::Mutex::new(None) })
    }

    pub fn issuer(&self) -> &str {
        &self.options.issuer
    }

    /// Where the browser is sent to sign in. `levels`: values of `acr` that would do, the wished one first; none: any.
    /// `anew`: whoever is signed in there already is asked all the same who she is: it may be somebody else's account.
    pub async fn authorize_url(&self, binding: &Binding, levels: &[String], anew: bool, now: Timestamp) -> Result<String, OidcError> {
        let provider = self.provider(now, KNOWN_S).await?;
        let client = CoreClient::from_provider_metadata((*provider).clone(), ClientId::new(self.options.client.clone()), None)
            .set_redirect_uri(RedirectUrl::new(binding.redirect.clone()).map_err(|e| OidcError::Invalid(e.to_string()))?);
        let verifier = PkceCodeVerifier::new(binding.verifier.clone());
        let (state, nonce) = (binding.state.clone(), binding.nonce.clone());
        let request = client
            .authorize_url(AuthenticationFlow::<CoreResponseType>::AuthorizationCode, move || CsrfToken::new(state), move || Nonce::new(nonce))
            .add_scopes(self.options.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        let request = levels.iter().fold(request, |request, level| request.add_auth_context_value(AuthenticationContextClass::new(level.clone())));
        // asks for the password, which everybody knows how to do; choosing among accounts (`select_account`) few providers offer
        let request = if anew { request.add_prompt(CoreAuthPrompt::Login) } else { request };
        Ok(request.url().0.to_string())
    }

    /// Redeems a code, and says how sure the provider is who came (`acr`), if it says so, and who that is. Nothing else of her is read,
    /// and nothing but what it signed.
    pub async fn vouch(&self, code: &str, binding: &Binding, now: Timestamp) -> Result<Vouch, OidcError> {
        let (claims, ..) = self.proven(code, binding, now).await?;
        Ok(claims::vouch(&claims))
    }

    /// Redeems a code. What comes back is believed only if the ID token is valid for exactly this sign-in.
    pub async fn redeem(&self, code: &str, binding: &Binding, now: Timestamp) -> Result<Claims, OidcError> {
        let (mut found, provider, answer) = self.proven(code, binding, now).await?;
        if claims::is_thin(&found, &self.options)
            && let Some(more) = self.user(&provider, &answer).await?
        {
            claims::join(&mut found, more);
        }
        claims::read(&found, &self.options).ok_or_else(|| OidcError::Invalid("it names nobody".to_owned()))
    }

    /// The claims of an ID token that is valid for exactly this sign-in.
    async fn proven(&self, code: &str, binding: &Binding, now: Timestamp) -> Result<(claims::Map, Provider, CoreTokenResponse), OidcError> {
        if code.is_empty() || code.len() > CODE_CHARS_MAX {
            return Err(OidcError::Refused("a code of this length is none".to_owned()));
        }
        let provider = self.provider(now, KNOWN_S).await?;
        let answer = self.exchange(&provider, code, binding).await?;
        let token = answer.id_token().ok_or_else(|| OidcError::Invalid("there is none".to_owned()))?;
        if let Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) = self.verify(&provider, token, binding) {
            // the provider may have changed its key since
            let fresh = self.provider(now, AGAIN_S).await?;
            self.verify(&fresh, token, binding).map_err(invalid)?;
        } else {
            self.verify(&provider, token, binding).map_err(invalid)?;
        }
        let found = claims::of_token(&token.to_string()).ok_or_else(|| OidcError::Invalid("its claims do not read".to_owned()))?;
        Ok((found, provider, answer))
    }

    /// Where a person ends her sign-in at the provider, if it offers that. No token is kept as a hint: the provider asks her.
    pub async fn end_url(&self, back: &str, now: Timestamp) -> Result<Option<String>, OidcError> {
        let provider = self.provider(now, KNOWN_S).await?;
        let Some(end) = provider.additional_metadata().end_session_endpoint.clone() else { return Ok(None) };
        let request = LogoutRequest::from(end).set_client_id(ClientId::new(self.options.client.clone()));
        let request = match PostLogoutRedirectUrl::new(back.to_owned()) {
            Ok(back) => request.set_post_logout_redirect_uri(back),
            Err(_) => request,
        };
        Ok(Some(request.http_get_url().to_string()))
    }

    async fn exchange(&self, provider: &Provider, code: &str, binding: &Binding) -> Result<CoreTokenResponse, OidcError> {
        let secret = self.options.secret.clone().map(ClientSecret::new);
        let client = CoreClient::from_provider_metadata((**provider).clone(), ClientId::new(self.options.client.clone()), secret)
            .set_auth_type(auth_type(provider))
            .set_redirect_uri(RedirectUrl::new(binding.redirect.clone()).map_err(|e| OidcError::Invalid(e.to_string()))?);
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned())).map_err(|e| OidcError::Unavailable(e.to_string()))?;
        let http = self.client();
        match request.set_pkce_verifier(PkceCodeVerifier::new(binding.verifier.clone())).request_async(&http).await {
            Ok(answer) => Ok(answer),
            Err(RequestTokenError::ServerResponse(refusal)) => Err(OidcError::Refused(refusal.error().to_string())),
            Err(RequestTokenError::Request(error)) => Err(OidcError::Unavailable(error.to_string())),
            Err(error) => Err(OidcError::Unavailable(error.to_string())),
        }
    }

    /// The client as the protocol's library wants it: each answer owns what it needs.
    fn client(&self) -> impl Fn(HttpRequest) -> Answer + use<> {
        let http = self.http.clone();
        move |request| {
            let http = http.clone();
            Box::pin(async move { http.call(request).await })
        }
    }

    fn verify(&self, provider: &Provider, token: &CoreIdToken, binding: &Binding) -> Result<(), ClaimsVerificationError> {
        let client = CoreClient::from_provider_metadata((**provider).clone(), ClientId::new(self.options.client.clone()), None);
        let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
        token.claims(&verifier, &Nonce::new(binding.nonce.clone())).map(|_| ())
    }

    /// What the provider says at its userinfo endpoint of the same person, if it has one.
    async fn user(&self, provider: &Provider, answer: &CoreTokenResponse) -> Result<Option<claims::Map>, OidcError> {
        use openidconnect::OAuth2TokenResponse as _;
        let Some(url) = provider.userinfo_endpoint() else { return Ok(None) };
        let request = openidconnect::http::Request::builder()
            .uri(url.as_str())
            .header("authorization", format!("Bearer {}", answer.access_token().secret()))
            .header("accept", "application/json")
            .body(Vec::new())
            .map_err(|e| OidcError::Invalid(e.to_string()))?;
        let said = self.http.call(request).await.map_err(|e| OidcError::Unavailable(e.to_string()))?;
        if !said.status().is_success() {
            return Err(OidcError::Unavailable(format!("userinfo: {}", said.status())));
        }
        serde_json::from_slice(said.body()).map(Some).map_err(|e| OidcError::Invalid(e.to_string()))
    }

    /// The provider as it described itself at most `seconds` ago.
    async fn provider(&self, now: Timestamp, seconds: i64) -> Result<Provider, OidcError> {
        let mut known = self.known.lock().await;
        match known.as_ref() {
            Some(Known { at, provider: Some(provider) }) if is_within(*at, now, seconds) => return Ok(provider.clone()),
            Some(Known { at, provider: None }) if is_within(*at, now, PAUSE_S) => {
                return Err(OidcError::Unavailable("it did not answer a moment ago".to_owned()));
            }
            _ => {}
        }
        let found = self.discover().await;
        *known = Some(Known { at: now, provider: found.as_ref().ok().cloned() });
        found
    }

    async fn discover(&self) -> Result<Provider, OidcError> {
        let issuer = IssuerUrl::new(self.options.issuer.clone()).map_err(|e| OidcError::Invalid(e.to_string()))?;
        let http = self.client();
        let found = ProviderMetadataWithLogout::discover_async(issuer, &http).await.map_err(|e| OidcError::Unavailable(sources(&e)))?;
        let addresses = [Some(found.authorization_endpoint().url()), found.token_endpoint().map(|u| u.url()), found.userinfo_endpoint().map(|u| u.url())];
        if addresses.into_iter().flatten().any(|url| !http::is_safe(url)) {
            return Err(OidcError::Unavailable(http::HttpError::Unsafe.to_string()));
        }
        Ok(Arc::new(found))
    }
}

fn is_within(at: Timestamp, now: Timestamp, seconds: i64) -> bool {
    now.duration_since(at) < SignedDuration::from_secs(seconds)
}

fn invalid(error: ClaimsVerificationError) -> OidcError {
    OidcError::Invalid(sources(&error))
}

/// An error with what is behind it, for the log.
fn sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(inner) = next {
        text = format!("{text}: {inner}");
        next = inner.source();
    }
    text
}

/// The secret in the header, unless the provider takes it in the body only.
fn auth_type(provider: &Provider) -> AuthType {
    let methods = provider.token_endpoint_auth_methods_supported().cloned().unwrap_or_default();
    let (basic, post) = (methods.contains(&CoreClientAuthMethod::ClientSecretBasic), methods.contains(&CoreClientAuthMethod::ClientSecretPost));
    if post && !basic { AuthType::RequestBody } else { AuthType::BasicAuth }
}
