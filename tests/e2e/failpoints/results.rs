//! That the results of cases are kept with a release, whatever happens before they are.

use super::House;

/// Other cases are played after the next start, and how they went is kept with the release; what failed once is kept at the start after.
pub fn results(house: &mut House) {
    let kept = |house: &House| {
        let told = house.tenant.lines(&["audit", "show", "--kind", "process.released", "--limit", "500", "--json"]);
        told.iter().filter(|record| record["body"].as_str().is_some_and(|body| body.contains("hundesteuer-anmeldung") && body.contains("played"))).count()
    };
    let before = kept(house);
    // what is played before them would only be waited for
    std::fs::remove_file(house.tenant.path("workflows/gewerbeanmeldung.cases.yaml")).ok();
    let file = house.tenant.path("workflows/hundesteuer.cases.yaml");
    let cases = std::fs::read_to_string(&file).expect("the cases");
    std::fs::write(&file, format!("{cases}# {}\n", house.lives)).expect("written");
    house.stop();
    house.server = house.start();
    house.until("the cases are played", |house| house.fires("release.before_results").then_some(()));
    house.end();
    house.stop();
    house.until("their results are kept", |house| (kept(house) > before).then_some(()));
}
