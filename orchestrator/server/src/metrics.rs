//! What a Prometheus on the same machine collects (text format 0.0.4). Labels name tenants, states, models and servers: never a person,
//! a process file's text, or a case.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use laufzettel_worker::chain::Checkpointed;

use crate::site::{Site, TenantSite};

/// Lines of the answer, a metric with its help once and all its samples behind it.
#[derive(Default)]
struct Metrics(Vec<(&'static str, String)>);

/// Every metric, what it says, and what kind it is.
const KNOWN: [(&str, &str, &str); 14] = [
    ("laufzettel_build_info", "gauge", "Version of the program, always 1."),
    ("laufzettel_uptime_seconds", "gauge", "Seconds since the server began to serve."),
    ("laufzettel_tenant_up", "gauge", "1 where the tenant is served and its store is in order."),
    ("laufzettel_disk_free_bytes", "gauge", "Room left on the disk of the store."),
    ("laufzettel_disk_bytes", "gauge", "Size of the disk of the store."),
    ("laufzettel_journal_records", "counter", "Records of the lane this opening writes."),
    ("laufzettel_checkpoint_number", "counter", "Number of the last checkpoint."),
    ("laufzettel_checkpoint_witnessed", "gauge", "1 where the witness has the last checkpoint."),
    ("laufzettel_runs", "gauge", "Runs by state, counted up to 10001."),
    ("laufzettel_tasks_of_resting_cases", "gauge", "Open tasks by kind where a case goes no further by itself: doubt, repair, takeover, restored."),
    ("laufzettel_model_calls_under_way", "gauge", "Calls of a model under way."),
    ("laufzettel_model_calls_waiting", "gauge", "Calls that wait for a free place at a model."),
    ("laufzettel_model_tokens_today", "gauge", "Tokens counted for quotas since midnight of the tenant."),
    ("laufzettel_tool_server_state", "gauge", "1 for the state a tool server is in: idle, connecting, connected, drifted."),
];

pub async fn text(State(site): State<Arc<Site>>) -> Response {
    let mut metrics = Metrics::default();
    metrics.say("laufzettel_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    metrics.say("laufzettel_uptime_seconds", &[], u64::try_from(site.now().duration_since(site.began).as_secs()).unwrap_or(0));
    for (name, _) in site.closed() {
        metrics.say("laufzettel_tenant_up", &[("tenant", &name)], 0);
    }
    for (name, tenant) in site.tenants.iter() {
        metrics.say("laufzettel_tenant_up", &[("tenant", name)], u64::from(site.hindrance(name).is_none()));
        // a store that does not answer now has no numbers now
        drop(of_tenant(&mut metrics, name, tenant).await);
    }
    (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.text()).into_response()
}

async fn of_tenant(metrics: &mut Metrics, name: &str, tenant: &TenantSite) -> Result<(), laufzettel_store::Error> {
    let own = ("tenant", name);
    let (found, chain) = (tenant.desk.operation().await?, tenant.desk.chain().await?);
    if let Some(room) = found.room {
        metrics.say("laufzettel_disk_free_bytes", &[own], room.free_bytes);
        metrics.say("laufzettel_disk_bytes", &[own], room.all_bytes);
    }
    metrics.say("laufzettel_journal_records", &[own], chain.head.seq);
    if let Checkpointed::Known { number, witnessed, .. } = chain.checkpoint {
        metrics.say("laufzettel_checkpoint_number", &[own], number);
        metrics.say("laufzettel_checkpoint_witnessed", &[own], u64::from(witnessed));
    }
    for (state, count) in found.runs {
        metrics.say("laufzettel_runs", &[own, ("state", state)], count);
    }
    for (kind, count) in found.rests {
        metrics.say("laufzettel_tasks_of_resting_cases", &[own, ("kind", kind)], count);
    }
    for model in found.models {
        let labels = [own, ("model", model.name.as_str()), ("zone", model.zone.as_str())];
        if let Some(load) = model.load {
            metrics.say("laufzettel_model_calls_under_way", &labels, load.busy as u64);
            metrics.say("laufzettel_model_calls_waiting", &labels, load.waiting as u64);
        }
        metrics.say("laufzettel_model_tokens_today", &labels, model.today.tokens);
    }
    for server in found.servers {
        let state = server.state.word();
        metrics.say("laufzettel_tool_server_state", &[own, ("server", &server.name), ("state", state)], 1);
    }
    Ok(())
}

impl Metrics {
    fn say(&mut self, name: &'static str, labels: &[(&str, &str)], value: u64) {
        debug_assert!(KNOWN.iter().any(|(known, ..)| *known == name), "{name} is not listed");
        let labels: Vec<String> = labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.0.push((name, format!("{name}{labels} {value}")));
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (name, kind, help) in KNOWN {
            let samples: Vec<&String> = self.0.iter().filter(|(of, _)| *of == name).map(|(_, line)| line).collect();
            if samples.is_empty() {
                continue;
            }
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for line in samples {
                let _ = writeln!(text, "{line}");
            }
        }
        text
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_stand_behind_their_metric() {
        let mut metrics = Metrics::default();
        metrics.say("laufzettel_runs", &[("tenant", "a"), ("state", "running")], 3);
        metrics.say("laufzettel_uptime_seconds", &[], 7);
        metrics.say("laufzettel_runs", &[("tenant", "b\"\\"), ("state", "running")], 4);
        let expected = "# HELP laufzettel_uptime_seconds Seconds since the server began to serve.\n# TYPE laufzettel_uptime_seconds gauge\n\
            laufzettel_uptime_seconds 7\n# HELP laufzettel_runs Runs by state, counted up to 10001.\n# TYPE laufzettel_runs gauge\n\
            laufzettel_runs{tenant=\"a\",state=\"running\"} 3\nlaufzettel_runs{tenant=\"b\\\"\\\\\",state=\"running\"} 4\n";
        assert_eq!(metrics.text(), expected);
    }
}
