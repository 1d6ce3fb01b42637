//! A real Active Directory domain controller, in network and mount namespaces of its own: who somebody is, what a run may
//! do when the answer changes under it, and what happens when nobody answers.

mod controller;
mod people;
mod runs;
mod transport;

use controller::Controller;

/// A controller takes half a minute to be there: one for everything that only asks …
#[test]
fn people_and_groups_of_a_real_domain_controller() {
    let Some(controller) = Controller::here() else {
        return controller::beside_one("directory::people_and_groups_of_a_real_domain_controller");
    };
    people::lay_out(&controller);
    crate::desk::runtime().block_on(async {
        transport::only_over_tls_of_our_own_ca(&controller).await;
        people::a_group_list_that_is_not_computed_is_searched(&controller).await;
        people::accounts_and_passwords(&controller).await;
        people::nothing_typed_is_syntax(&controller).await;
        people::two_hundred_nested_groups(&controller).await;
    });
}

/// … and one that is stopped, and whose answers change.
#[test]
fn runs_beside_a_real_domain_controller() {
    let Some(controller) = Controller::here() else {
        return controller::beside_one("directory::runs_beside_a_real_domain_controller");
    };
    people::lay_out(&controller);
    crate::desk::runtime().block_on(async {
        transport::the_next_controller_answers(&controller).await;
        transport::few_lines_serve_many(&controller).await;
        let controller = Controller { folder: controller.folder.clone() };
        // a task of the runtime's own: the scripted tools block their thread while they change the directory
        let runs = tokio::spawn(async move {
            runs::a_right_withdrawn_between_two_steps(&controller).await;
            runs::a_caller_disabled_in_the_middle(&controller).await;
            runs::a_silent_directory_denies_nobody(&controller).await;
        });
        runs.await.expect("the runs hold");
    });
    runs::the_program_asks_the_directory(&controller);
}
