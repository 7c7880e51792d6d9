//! Ctrl-C: what is half is not kept, and the next scan finds a folder that is in order.

use std::time::Duration;

use futures::future::join_all;

use super::{Laptop, Running, SMALL, half};
use crate::account::{Account, REGION};
use crate::faults::Conditions;
use crate::peer::kept;

/// When somebody presses Ctrl-C.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So many calls have come.
    Calls(u64),
    /// This API is called.
    Call(&'static str),
    /// A file of this name is there.
    File(&'static str),
}

impl Moment {
    async fn come(self, laptop: &Laptop, running: &Running) {
        let mut calls = 0;
        loop {
            let new = laptop.aws.take_calls();
            calls += new.values().sum::<u64>();
            let is_come = match self {
                Self::Calls(count) => calls >= count,
                Self::Call(api) => new.contains_key(api),
                Self::File(name) => laptop.files().keys().any(|file| file.ends_with(name)),
            };
            if is_come || running.output.is_finished() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the command's binary: make test-benchmark"]
async fn what_is_half_is_not_kept() {
    // A thousand groups make that what is written takes its time.
    let many_groups = Account { groups: 1_000, rules: 1, ..Account::new(0, 1, 0) };
    let moments = [
        (SMALL, Moment::Calls(1), 100),
        (SMALL, Moment::Call("s3:ListAllMyBuckets"), 100),
        (SMALL, Moment::Call("s3:GetBucketPolicy"), 100),
        (SMALL, Moment::Calls(100), 30),
        (many_groups, Moment::File("/findings.jsonl.zst"), 0),
        (many_groups, Moment::File("/summary.json"), 0),
    ];
    join_all(moments.map(|(account, moment, latency)| async move {
        let conditions = Conditions { latency: Duration::from_millis(latency), ..Conditions::default() };
        let laptop = Laptop::of(account, conditions).await;
        let running = Running::start(laptop.command(&["scan", "--out", "audit"]));
        moment.come(&laptop, &running).await;
        running.interrupt();
        let ended = running.end().await;
        assert_eq!(ended.code, 130, "{moment:?}: {ended:?}");
        let files = laptop.files();
        assert!(half(&files).is_empty(), "{moment:?}: {:?}", half(&files));
        let is_kept = files.keys().any(|file| file.ends_with("/summary.json"));
        if !is_kept {
            assert_eq!(files.keys().collect::<Vec<_>>(), Vec::<&String>::new(), "{moment:?}");
        }
        let says = if is_kept { "are kept" } else { "Nothing of it is kept" };
        // Before it begins the command does what a program does that knows no signal.
        assert!(ended.out.is_empty() || ended.out.contains("Interrupted.") && ended.out.contains(says), "{ended:?}");

        let next = laptop.run(&["scan", "--out", "audit"]).await;
        assert_eq!(next.code, 0, "{moment:?}: {next:?}");
        assert!(is_kept || !next.out.contains(" since "), "{moment:?}: {}", next.out);
        let (_, scans) = kept(&laptop.out(), REGION).unwrap();
        assert_eq!(scans.len(), 1 + usize::from(is_kept), "{moment:?}");
    }))
    .await;
}
