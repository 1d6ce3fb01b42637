//! The clock as a trigger: once for every time, whatever the store does; what nobody was there for is told.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use laufzettel_domain::Clock;
use laufzettel_store::{Faults, Memory as MemoryStore, RunFilter, Store};
use laufzettel_worker::Worker;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{PROCESS, Seeded, desk_of, time::Slow};

/// A clock of its own beside tokio's, so that the program can be off for days.
struct Off(Arc<Mutex<(Timestamp, tokio::time::Instant)>>);

impl Clock for Off {
    fn now(&self) -> Timestamp {
        let (at, since) = *self.0.lock().unwrap();
        at + jiff::SignedDuration::try_from(since.elapsed()).unwrap()
    }
}

/// A program that runs for so long, from that instant on; its journal's tale of schedules and starts.
async fn live(memory: &MemoryStore, trigger: &str, from: &str, hours: u64, faults: &[Faults]) {
    let (head, _) = PROCESS.split_once("triggers:").unwrap();
    let process = format!("{head}triggers: [{{ cron: {{ {trigger}, run_as: service:svc, input: {{ tag: montags }} }} }}]\n{REST}");
    let began = Arc::new(Mutex::new((from.parse().unwrap(), tokio::time::Instant::now())));
    let desk = desk_of(&process, memory.clone(), &Arc::new(Seeded(Mutex::new(hours))), Arc::new(Off(began)), Box::new(Slow));
    memory.inject(faults.to_vec());
    let stop = CancellationToken::new();
    let worker = tokio::spawn(Worker::new(desk).run(stop.clone()));
    tokio::time::sleep(std::time::Duration::from_secs(hours * 3600)).await;
    stop.cancel();
    worker.await.unwrap();
}

const REST: &str = r#"
input: { type: object, required: [tag], properties: { tag: { type: string } } }
steps:
  tag: { set: { tag: "{{ input.tag }}" } }
output: { tag: "{{ steps.tag.tag }}" }
"#;

async fn story(memory: &MemoryStore) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for record in memory.records((0, 0), u32::MAX).await.unwrap() {
        let body: serde_json::Value = serde_json::from_str(&record.draft.body).unwrap();
        let at = Timestamp::from_microsecond(record.draft.at).unwrap().strftime("%d %H:%M");
        match record.draft.kind.as_str() {
            "schedule.missed" => told.push(format!("{at} missed {} {}..{}", body["count"], body["first"], body["last"])),
            "schedule.began" => told.push(format!("{at} began")),
            "schedule.ended" => told.push(format!("{at} ended")),
            "run.started" => told.push(format!("{at} started {} {}", body["caller"]["subject"], body["caller"]["via"])),
            _ => {}
        }
    }
    told.iter().map(|line| line.replace('"', "")).collect()
}

#[tokio::test(start_paused = true)]
async fn every_time_once_over_lost_replies_and_days_off() {
    let memory = MemoryStore::open("t", 0);
    let trigger = r#"schedule: "0 6 * * MON-FRI", zone: Europe/Berlin"#;
    // Monday: a reply is lost, a commit refused, and it still is one run
    live(&memory, trigger, "2026-11-23T04:30:00Z", 30, &[Faults::None, Faults::LostReply, Faults::Refused, Faults::LostReply]).await;
    // off from Tuesday to Friday noon; then two days of a weekend, nothing
    let memory = memory.reopen(0);
    live(&memory, trigger, "2026-11-27T11:00:00Z", 50, &[]).await;
    assert_eq!(
        story(&memory).await,
        [
            "23 04:30 began",
            "23 05:00 started service:svc cron",
            "24 05:00 started service:svc cron",
            "27 11:00 missed 2 2026-11-25T05:00:00Z..2026-11-26T05:00:00Z",
            "27 11:00 started service:svc cron",
        ]
    );
    let rows = Store::Memory(memory.clone()).runs(&RunFilter { limit: 10, ..RunFilter::default() }, &|_| true).await.unwrap().rows;
    assert_eq!(rows.iter().map(|row| (row.state.as_str(), row.process.as_str())).collect::<Vec<_>>(), [("completed", "probe"); 3]);
}

/// A schedule that was taken out for a week and comes back makes up for nothing of that week.
#[tokio::test(start_paused = true)]
async fn one_that_comes_back_counts_from_then_on() {
    let memory = MemoryStore::open("t", 0);
    let (morning, noon) = (r#"schedule: "0 6 * * *", catch_up: all"#, r#"schedule: "0 12 * * *", catch_up: all"#);
    live(&memory, morning, "2026-11-23T05:30:00Z", 1, &[]).await;
    live(&memory, noon, "2026-11-24T05:30:00Z", 1, &[]).await;
    live(&memory, morning, "2026-11-30T05:30:00Z", 1, &[]).await;
    let begun = "started service:svc cron";
    assert_eq!(
        story(&memory).await,
        ["23 05:30 began", &format!("23 06:00 {begun}"), "24 05:30 ended", "24 05:30 began", "30 05:30 ended", "30 05:30 began", &format!("30 06:00 {begun}"),]
    );
}

#[tokio::test(start_paused = true)]
async fn what_may_not_start_is_told_and_not_tried_for_ever() {
    let memory = MemoryStore::open("t", 0);
    let process = PROCESS
        .replace("triggers: [{ intake: { path: probe, run_as: service:svc } }]", r#"triggers: [{ cron: { schedule: "0 * * * *", run_as: service:niemand } }]"#);
    let began = Arc::new(Mutex::new(("2026-11-23T04:30:00Z".parse().unwrap(), tokio::time::Instant::now())));
    let desk = desk_of(&process, memory.clone(), &Arc::new(Seeded(Mutex::new(1))), Arc::new(Off(began)), Box::new(Slow));
    let stop = CancellationToken::new();
    let worker = tokio::spawn(Worker::new(desk.clone()).run(stop.clone()));
    tokio::time::sleep(std::time::Duration::from_secs(2 * 3600)).await;
    stop.cancel();
    worker.await.unwrap();
    let records = memory.records((0, 0), u32::MAX).await.unwrap();
    let kinds: Vec<&str> = records.iter().map(|record| record.draft.kind.as_str()).filter(|kind| !kind.starts_with("lane.")).collect();
    assert_eq!(kinds, ["schedule.began", "start.denied", "schedule.missed", "start.denied", "schedule.missed"]);
    let next = desk.tenant.catalogue.processes["probe"].next_times(desk.tenant.clock.now(), &desk.tenant.zone(), 2);
    assert_eq!(json!(next), json!(["2026-11-23T07:00:00Z", "2026-11-23T08:00:00Z"]));
}

/// In a database restored from a backup nobody knows what had begun: it is told, and not begun (again).
#[tokio::test(start_paused = true)]
async fn what_was_due_before_a_restore_is_passed_over() {
    let memory = MemoryStore::open("t", 0);
    let trigger = r#"schedule: "0 6 * * *", zone: Europe/Berlin, catch_up: all"#;
    live(&memory, trigger, "2026-11-23T04:30:00Z", 1, &[]).await;
    let (head, _) = PROCESS.split_once("triggers:").unwrap();
    let process = format!("{head}triggers: [{{ cron: {{ {trigger}, run_as: service:svc, input: {{ tag: montags }} }} }}]\n{REST}");
    let now = Arc::new(Mutex::new(("2026-11-26T08:00:00Z".parse().unwrap(), tokio::time::Instant::now())));
    let desk = desk_of(&process, memory.clone(), &Arc::new(Seeded(Mutex::new(7))), Arc::new(Off(now)), Box::new(Slow));
    assert!(desk.pass_over_schedules().await && desk.pass_over_schedules().await, "twice is once");
    live(&memory, trigger, "2026-11-26T08:00:00Z", 22, &[]).await;
    assert_eq!(
        story(&memory).await,
        [
            "23 04:30 began",
            "23 05:00 started service:svc cron",
            "26 08:00 missed 3 2026-11-24T05:00:00Z..2026-11-26T05:00:00Z",
            "27 05:00 started service:svc cron"
        ]
    );
}
