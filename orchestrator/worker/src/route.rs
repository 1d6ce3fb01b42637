//! Which models a request may go to: of exactly one zone, every endpoint that is large enough. Refuses to look elsewhere: an
//! outage of a zone is waited for, a zone that is not cleared is refused.

use laufzettel_domain::{Label, Trust, Value};
use laufzettel_policy::{Action, Decision, Who, Zone, detect, permit, zone_refusal};
use laufzettel_process::{Process, model::Size};

use crate::{door::EndpointFacts, tenant::Tenant};

/// The zone of a call: the one wished for at the start, else the strictest that has a model of this size.
pub(crate) fn zone<'t>(tenant: &'t Tenant, size: Size, wish: Option<&str>) -> Option<&'t Zone> {
    let endpoints = tenant.doors.endpoints();
    let serves = |zone: &Zone| endpoints.iter().any(|e| e.zone == zone.name && e.size >= size);
    let open = tenant.zones.values().filter(|zone| serves(zone) && wish.is_none_or(|wish| wish == zone.name));
    open.max_by(|a, b| a.by_strictness(b))
}

/// The endpoints of a zone for this size, in the order of the configuration.
pub(crate) fn endpoints(tenant: &Tenant, size: Size, zone: &str) -> Vec<EndpointFacts> {
    tenant.doors.endpoints().into_iter().filter(|e| e.zone == zone && e.size >= size).collect()
}

/// What the input of a process may hold: its declared label, raised by what the very values look like.
pub(crate) fn label_of(tenant: &Tenant, process: &Process, input: &Value) -> Label {
    let declared = process.input.label_whole(&[], &process.default_label(Trust::Untrusted));
    declared.join(&detect(input, &tenant.own_domains))
}

/// Zones a person may choose for a process by its declared label and her rights, the strictest first. One zone is no choice.
pub fn choices(tenant: &Tenant, who: &Who, process: &Process) -> Vec<Zone> {
    let label = label_of(tenant, process, &Value::Null);
    let mut open: Vec<Zone> = tenant.zones.values().filter(|zone| refuse_wish(tenant, who, process, &label, &zone.name).is_none()).cloned().collect();
    open.sort_by(|a, b| b.by_strictness(a));
    if open.len() > 1 { open } else { Vec::new() }
}

/// Why a wished zone cannot be had; `None` if it can.
pub(crate) fn refuse_wish(tenant: &Tenant, who: &Who, process: &Process, label: &Label, wish: &str) -> Option<Decision> {
    let Some(zone) = tenant.zones.get(wish) else {
        return Some(Decision::deny("zone", format!("Die Zone „{wish}“ gibt es hier nicht."), format!("There is no zone \"{wish}\" here.")));
    };
    let needed = process.steps.values().filter_map(|step| step.kind.asks()).map(|call| call.size).max();
    if !tenant.doors.endpoints().iter().any(|e| e.zone == zone.name && needed.is_none_or(|size| e.size >= size)) {
        return Some(Decision::deny(
            format!("zone:{wish}"),
            format!("In der Zone {wish} ist kein Modell eingerichtet, das für diesen Prozess groß genug ist."),
            format!("No model that is large enough for this process is configured in the zone {wish}."),
        ));
    }
    let permitted = permit(who, &Action::ZoneUse(wish.to_owned()), Some(process.id.as_str()), &tenant.rules);
    if !permitted.allow {
        return Some(permitted);
    }
    let reason = zone_refusal(label, zone)?;
    Some(Decision::deny(
        format!("zone:{wish}"),
        format!("Die Eingabe ({label}) darf nicht dorthin: {}", reason.de),
        format!("The input ({label}) may not go there: {}", reason.en),
    ))
}
