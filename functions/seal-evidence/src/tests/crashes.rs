//! A function that stops after any of its calls, and two that run at once.

use std::io;
use std::sync::Mutex;

use audit_artifacts::{ArtifactReader, ArtifactWriter, Stored};
use bytes::Bytes;
use evidence_chain::Opened;
use futures::future::BoxFuture;
use pretty_assertions::assert_eq;

use super::*;

/// What happens at a call.
enum Event<'a> {
    /// The function stops before the call is made, or before its answer comes.
    Stops { is_made: bool },
    /// Somebody else is faster.
    Meanwhile(Mutex<Option<BoxFuture<'a, ()>>>),
}

/// The reports bucket and the key, whose calls are counted, and one of which is special.
struct Calls<'a> {
    world: &'a World,
    made: AtomicUsize,
    at: usize,
    event: Event<'a>,
}

impl<'a> Calls<'a> {
    fn new(world: &'a World, at: usize, event: Event<'a>) -> Self {
        Self { world, made: AtomicUsize::new(0), at, event }
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T, TaskError>> + Send) -> Result<T, TaskError> {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        let stopped = || Err(TaskError::Internal("the function was stopped".to_owned()));
        match &self.event {
            Event::Stops { .. } if number > self.at => stopped(),
            Event::Stops { is_made } if number == self.at => {
                if *is_made {
                    drop(call.await);
                }
                stopped()
            }
            Event::Meanwhile(other) if number == self.at => {
                let other = other.lock().unwrap().take();
                other.unwrap().await;
                call.await
            }
            _ => call.await,
        }
    }

    async fn seal(&self, input: &SealEvidenceInput) -> Result<SealEvidenceOutput, TaskError> {
        self.world.seal_through(self, self, self, input).await
    }
}

#[async_trait]
impl ArtifactStore for Calls<'_> {
    async fn get(&self, key: &str) -> Result<Option<Stored>, TaskError> {
        self.call(self.world.store.get(key)).await
    }

    async fn open(&self, _key: &str) -> Result<Option<ArtifactReader>, TaskError> {
        unreachable!("sealing opens objects by the other trait")
    }

    async fn put(
        &self,
        key: &str,
        content_type: &str,
        content: Bytes,
        condition: Condition,
    ) -> Result<PutOutcome, TaskError> {
        self.call(self.world.store.put(key, content_type, content, condition)).await
    }

    async fn create(&self, _key: &str, _content_type: &str) -> Result<Box<dyn ArtifactWriter>, TaskError> {
        unreachable!("sealing writes small objects only")
    }
}

#[async_trait]
impl EvidenceStore for Calls<'_> {
    async fn list_objects(&self, prefix: &str) -> io::Result<Vec<String>> {
        let call = async { self.world.store.list_objects(prefix).await.map_err(crate::not_read) };
        self.call(call).await.map_err(io::Error::other)
    }

    async fn folders(&self, folder: &str) -> io::Result<Vec<String>> {
        let call = async { self.world.store.folders(folder).await.map_err(crate::not_read) };
        self.call(call).await.map_err(io::Error::other)
    }

    async fn open(&self, key: &str) -> io::Result<Option<Opened>> {
        let call = async { EvidenceStore::open(&self.world.store, key).await.map_err(crate::not_read) };
        self.call(call).await.map_err(io::Error::other)
    }
}

#[async_trait]
impl Signer for Calls<'_> {
    fn arn(&self) -> &str {
        self.world.key.arn()
    }

    async fn public_key(&self) -> Result<PublicKey, TaskError> {
        self.call(self.world.key.public_key()).await
    }

    async fn sign(&self, sha256: &[u8; 32]) -> Result<Vec<u8>, TaskError> {
        self.call(self.world.key.sign(sha256)).await
    }
}

/// A world in which so many executions are sealed, and the next two have left something.
async fn world(sealed: i64) -> World {
    let world = World::new();
    for number in 0..sealed {
        world.after(number).seal(&stepped_aside(number)).await.unwrap();
    }
    for number in [sealed, sealed + 1] {
        world.leave_scan(number).await;
    }
    world.after(sealed + 1);
    world
}

/// Asserts that the chain is whole and is of these executions, each once.
async fn assert_chain(world: &World, numbers: &[i64], context: &str) {
    let verification = world.verify().await;
    assert!(verification.is_whole(), "{context}: {verification:#?}");
    let mut there: Vec<_> = verification.links.iter().map(|link| link.subject.id.clone()).collect();
    there.sort();
    assert_eq!(there, numbers.iter().map(|number| id(*number)).collect::<Vec<_>>(), "{context}");
}

/// How many calls a seal makes where nothing happens.
async fn calls(sealed: i64) -> usize {
    let world = world(sealed).await;
    let calls = Calls::new(&world, usize::MAX, Event::Stops { is_made: true });
    calls.seal(&done(sealed)).await.unwrap();
    calls.made.into_inner()
}

#[tokio::test]
async fn a_function_that_stops_after_any_call_is_repeated_without_a_trace() {
    for sealed in [0, 2] {
        let calls = calls(sealed).await;
        assert!(calls > 20, "{calls}");
        for (at, is_made, is_followed) in
            (1..=calls).flat_map(|at| [(at, false, false), (at, true, false), (at, true, true)])
        {
            let world = world(sealed).await;
            let stopped = Calls::new(&world, at, Event::Stops { is_made }).seal(&done(sealed)).await;
            assert_eq!(stopped.unwrap_err().name(), "Internal");
            let mut numbers: Vec<i64> = (0..=sealed).collect();
            if is_followed {
                // Another execution is sealed before the repetition comes.
                world.seal(&done(sealed + 1)).await.unwrap();
                numbers.push(sealed + 1);
            } else {
                for key in world.store.keys().iter().filter(|key| key.contains(&id(sealed + 1))) {
                    world.store.remove(key);
                }
            }
            let repeated = world.seal(&done(sealed)).await.unwrap();
            let context = format!("stopped at call {at} of {calls}, made: {is_made}, followed: {is_followed}");
            assert_chain(&world, &numbers, &context).await;
            // And once more, to the same answer.
            assert_eq!(world.seal(&done(sealed)).await, Ok(repeated), "{context}");
            assert_chain(&world, &numbers, &context).await;
        }
    }
}

#[tokio::test]
async fn of_two_at_once_each_has_its_link_and_the_chain_is_one() {
    for sealed in [0, 2] {
        let calls = calls(sealed).await;
        for (at, other) in (1..=calls).flat_map(|at| [(at, sealed), (at, sealed + 1)]) {
            let world = &world(sealed).await;
            let context = format!("at call {at} of {calls} execution {other} is sealed, {sealed} links before");
            let numbers: Vec<i64> = if other == sealed {
                for key in world.store.keys().iter().filter(|key| key.contains(&id(sealed + 1))) {
                    world.store.remove(key);
                }
                (0..=sealed).collect()
            } else {
                (0..=sealed + 1).collect()
            };
            let meanwhile: BoxFuture<'_, ()> = Box::pin(async move { drop(world.seal(&done(other)).await.unwrap()) });
            let one = Calls::new(world, at, Event::Meanwhile(Mutex::new(Some(meanwhile))));
            let output = one.seal(&done(sealed)).await.unwrap_or_else(|error| panic!("{context}: {error}"));
            assert_eq!(output.scan_id, id(sealed));
            assert_chain(world, &numbers, &context).await;
        }
    }
}

/// Somebody who moves the head whenever this one is about to.
#[tokio::test]
async fn a_head_that_others_keep_moving_is_tried_again_by_the_machine() {
    struct Restless<'a>(&'a World);

    #[async_trait]
    impl ArtifactStore for Restless<'_> {
        async fn get(&self, key: &str) -> Result<Option<Stored>, TaskError> {
            self.0.store.get(key).await
        }

        async fn open(&self, _key: &str) -> Result<Option<ArtifactReader>, TaskError> {
            unreachable!("sealing opens objects by the other trait")
        }

        async fn put(
            &self,
            key: &str,
            content_type: &str,
            content: Bytes,
            condition: Condition,
        ) -> Result<PutOutcome, TaskError> {
            match condition {
                Condition::IfMatch(_) => Ok(PutOutcome::ConditionFailed),
                condition => self.0.store.put(key, content_type, content, condition).await,
            }
        }

        async fn create(&self, _key: &str, _content_type: &str) -> Result<Box<dyn ArtifactWriter>, TaskError> {
            unreachable!("sealing writes small objects only")
        }
    }

    let world = world(1).await;
    let sealed = world.seal_through(&Restless(&world), &world.store, &world.key, &done(1)).await;
    assert_eq!(sealed.unwrap_err().name(), "Unavailable");
}
