//! What goes wrong in a data centre, done to a real directory: processes killed, bits flipped, disks full.
//!
//! This program is also the process that is killed: it is started again with a word that says what to do.
#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]
#![expect(
    clippy::print_stdout,
    reason = "the killed process reports what it was told"
)]

mod damage;
mod directory;
mod disk;
mod forgetting;
mod kill;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// The first argument of a process that is to be killed.
const CHILD: &str = "--child";

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// A test that needs what this machine may not give.
fn trial_if(name: &str, possible: Result<(), String>, test: fn()) -> Trial {
    match possible {
        Ok(()) => trial(name, test),
        Err(reason) => {
            let failed = Failed::from(&reason);
            Trial::test(name, move || Err(failed))
                .with_kind(reason)
                .with_ignored_flag(true)
        }
    }
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() == Some(CHILD) {
        let (work, dir) = (words.next().unwrap(), words.next().unwrap());
        match work.as_str() {
            "write" => kill::write_until_killed(dir.as_ref()),
            "hold" => kill::hold_until_killed(dir.as_ref()),
            "forget" => forgetting::forget_until_killed(dir.as_ref()),
            other => unreachable!("no such work: {other}"),
        }
        return ExitCode::SUCCESS;
    }
    let tests = vec![
        trial(
            "two_hundred_kills_lose_nothing_and_double_nothing",
            kill::two_hundred_kills_lose_nothing_and_double_nothing,
        ),
        trial(
            "a_second_process_is_refused",
            kill::a_second_process_is_refused,
        ),
        trial(
            "a_journal_torn_at_any_byte_opens_with_all_that_is_whole",
            damage::a_journal_torn_at_any_byte_opens_with_all_that_is_whole,
        ),
        trial(
            "a_flipped_bit_in_any_file_is_named_and_never_served",
            damage::a_flipped_bit_in_any_file_is_named_and_never_served,
        ),
        trial("a_missing_file_is_named", damage::a_missing_file_is_named),
        trial(
            "a_directory_of_format_1_is_upgraded_and_a_later_one_refused",
            damage::a_directory_of_format_1_is_upgraded_and_a_later_one_refused,
        ),
        trial_if(
            "a_full_disk_refuses_writes_until_there_is_room",
            disk::possible(),
            disk::a_full_disk_refuses_writes_until_there_is_room,
        ),
        trial(
            "no_byte_of_a_forgotten_person_is_left",
            forgetting::no_byte_of_a_forgotten_person_is_left,
        ),
        trial(
            "a_killed_erasure_is_finished_by_the_next",
            forgetting::a_killed_erasure_is_finished_by_the_next,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}
