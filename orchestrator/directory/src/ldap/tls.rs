//! TLS towards the domain controllers: always, and with the house's own CA alone where one is named.

use std::sync::Arc;

use ldap3::LdapConnSettings;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::OptionsError;

/// `ca`: the text of a PEM file. Without one the system's certificates count.
pub fn settings(ca: Option<&[u8]>, starttls: bool) -> Result<LdapConnSettings, OptionsError> {
    let settings = LdapConnSettings::new().set_starttls(starttls);
    let Some(pem) = ca else {
        // the adapter reads the system's certificates itself, with the provider of the process. If another room was
        // faster it is the same one: this house builds rustls with ring only
        drop(ring::default_provider().install_default());
        return Ok(settings);
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| OptionsError::Ca(error.to_string()))?;
        roots.add(certificate).map_err(|error| OptionsError::Ca(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(OptionsError::Ca("no certificate".to_owned()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| OptionsError::Ca(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(settings.set_config(Arc::new(config)))
}
