//! `users …`: who the directory knows, and what one person may do with her groups of now.

use laufzettel_domain::{Caller, Via};
use laufzettel_policy::{Action, Decision, Who, permit, permit_start, permit_tool};
use laufzettel_worker::{Nobody, Tenant};
use serde_json::json;

use super::{Done, Failed, SILENT, denied, entitled, person as asker};
use crate::{
    house::House,
    out::{Out, code},
};

/// Who looks after the house, and who checks it.
const RIGHTS: [Action; 2] = [Action::Admin, Action::AuditRead];

pub async fn list(house: &House, out: &Out) -> Done {
    entitled(house, &RIGHTS, out).await?;
    let people = house.desk.tenant.directory.people();
    if people.is_empty() {
        return Err(Failed::new(code::USAGE, "Dieses Verzeichnis zählt seine Personen nicht auf; laufzettel users show NAME zeigt eine."));
    }
    for person in people {
        if out.json {
            out.value(&json!({ "user": person.user, "subject": person.sid, "name": person.name, "groups": person.groups, "disabled": person.disabled,
                "expires": person.expires }))
                .await;
        } else {
            let state = if person.disabled { out.text(" (gesperrt)", " (disabled)") } else { "" };
            out.data(format!("{:<16} {}{state}  {}", person.user, person.name, person.groups.join(", "))).await;
        }
    }
    Ok(code::DONE)
}

pub async fn show(house: &House, user: &str, out: &Out) -> Done {
    let tenant = &house.desk.tenant;
    let silent = || Failed::new(code::ENDED_BADLY, out.text(SILENT.0, SILENT.1));
    let by = asker(house, out).await?;
    let found = tenant.directory.person(user).await.map_err(|_| silent())?;
    // what she herself may do is hers to know; of others not even whether there are any
    if by.zip(found.as_ref()).is_none_or(|(by, found)| by.subject != found.sid) {
        entitled(house, &RIGHTS, out).await?;
    }
    let person = found
        .ok_or_else(|| Failed::new(code::USAGE, out.told(format!("„{user}“ steht nicht im Verzeichnis."), format!("\"{user}\" is not in the directory."))))?;
    let caller = Caller { subject: person.sid, name: person.name, upn: person.upn, via: Via::Terminal, os_user: None };
    let who = match house.desk.who(&caller).await {
        Ok(who) => who,
        Err(Nobody::Unavailable) => return Err(silent()),
        Err(Nobody::Denied(decision)) => return Err(denied(&decision, out.lang)),
    };
    let rights = rights(tenant, &who);
    let groups: Vec<&str> = who.groups.iter().map(|g| g.name.as_str()).collect();
    if out.json {
        let told: Vec<_> = rights.iter().map(|(action, d)| json!({ "action": action, "allow": d.allow, "rule": d.rule })).collect();
        out.value(&json!({ "subject": caller.subject, "name": caller.name, "upn": caller.upn, "groups": groups, "rights": told })).await;
        return Ok(code::DONE);
    }
    out.data(format!("{} · {} · {}", caller.name, caller.upn, caller.subject)).await;
    out.data(format!("{}: {}", out.text("Gruppen", "Groups"), groups.join(", "))).await;
    for (action, decision) in rights {
        out.data(format!("  {} {action}  ({})", if decision.allow { "✓" } else { "–" }, decision.rule)).await;
    }
    Ok(code::DONE)
}

/// The same questions the doors ask, one after the other.
fn rights(tenant: &Tenant, who: &Who) -> Vec<(String, Decision)> {
    let plain = |action: Action, process: Option<&str>| (action.to_string(), permit(who, &action, process, &tenant.rules));
    let mut rights = Vec::new();
    for process in tenant.catalogue.processes.values() {
        let id = process.id.as_str();
        let start = permit_start(who, id, &process.start.groups, &tenant.rules);
        rights.push((Action::ProcessStart(id.to_owned()).to_string(), start));
        rights.push(plain(Action::TaskComplete(id.to_owned()), Some(id)));
        rights.push(plain(Action::ProcessRelease(id.to_owned()), Some(id)));
    }
    for (name, rule) in &tenant.tools {
        rights.push((Action::ToolCall(name.clone()).to_string(), permit_tool(who, name, rule, "", &tenant.rules)));
    }
    rights.extend(tenant.zones.keys().map(|zone| plain(Action::ZoneUse(zone.clone()), None)));
    let single = [Action::RunViewOwnUnit, Action::RunViewAll, Action::ModelsUse, Action::LabelRelease, Action::AuditRead, Action::ContentErase, Action::Admin];
    rights.extend(single.into_iter().map(|action| plain(action, None)));
    rights
}
