use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use evidence_chain::{EvidenceStore, digest};
use futures::future::join_all;
use pretty_assertions::assert_eq;
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt};

use super::*;
use crate::{ArtifactStoreExt, MemoryStore, amend_json, not_read, sha256};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

async fn put(store: &dyn ArtifactStore, key: &str, content: &'static [u8]) -> Result<PutOutcome, TaskError> {
    store.put(key, "text/plain", content.into(), Condition::None).await
}

/// The files below a folder, whether lists show them or not.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    files.retain(|path| !path.ends_with(LOCK));
    files
}

/// Keys whose order is another one when folders are walked one after the other: `-` and `.` come before `/`.
const KEYS: [&str; 7] = ["a", "f/d/e", "f/d-e", "f/d.e/f", "f/d0", "scans/s1/plan.json", "scans/s2/.hidden"];
const CONTENTS: [&[u8]; 3] = [b"", b"one", b"two"];
const PREFIXES: [&str; 8] = ["", "a", "f", "f/d", "f/d/", "scans/", "scans/s1/pl", "none/"];

#[derive(Debug, Clone)]
enum Operation {
    Get(&'static str),
    Open(&'static str),
    Put(&'static str, &'static [u8], Condition),
    Write(&'static str, &'static [u8], End),
    List(&'static str),
    Folders(&'static str),
}

#[derive(Debug, Clone, Copy)]
enum End {
    Finish,
    Abort,
    Drop,
}

fn operation() -> impl Strategy<Value = Operation> {
    use prop::sample::select;
    let condition = prop_oneof![
        Just(Condition::None),
        Just(Condition::IfAbsent),
        select(&CONTENTS[..]).prop_map(|content| Condition::IfMatch(sha256(content))),
    ];
    let end = select(vec![End::Finish, End::Abort, End::Drop]);
    prop_oneof![
        select(&KEYS[..]).prop_map(Operation::Get),
        select(&KEYS[..]).prop_map(Operation::Open),
        (select(&KEYS[..]), select(&CONTENTS[..]), condition)
            .prop_map(|(key, content, condition)| Operation::Put(key, content, condition)),
        (select(&KEYS[..]), select(&CONTENTS[..]), end)
            .prop_map(|(key, content, end)| Operation::Write(key, content, end)),
        select(&PREFIXES[..]).prop_map(Operation::List),
        select(vec!["f/", "f/d/", "scans/", "none/"]).prop_map(Operation::Folders),
    ]
}

/// Does it, and tells the answer.
async fn answer(store: &(impl ArtifactStore + EvidenceStore), operation: Operation) -> String {
    match operation {
        Operation::Get(key) => format!("{:?}", store.get(key).await),
        Operation::Open(key) => match ArtifactStore::open(store, key).await.unwrap() {
            None => "none".to_owned(),
            Some(mut reader) => format!("{:?}", digest(&mut reader).await.unwrap()),
        },
        Operation::Put(key, content, condition) => {
            format!("{:?}", store.put(key, "text/plain", content.into(), condition).await)
        }
        Operation::Write(key, content, end) => {
            let mut writer = store.create(key, "text/plain").await.unwrap();
            writer.write(content).await.unwrap();
            writer.write(content).await.unwrap();
            match end {
                End::Finish => format!("{:?}", writer.finish().await),
                End::Abort => format!("{:?}", writer.abort().await),
                End::Drop => String::new(),
            }
        }
        Operation::List(prefix) => format!("{:?}", store.list_objects(prefix).await.unwrap()),
        Operation::Folders(folder) => format!("{:?}", store.folders(folder).await.unwrap()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_folder_answers_as_memory_does(operations in prop::collection::vec(operation(), 1..40)) {
        let folder = folder();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (memory, store) = (MemoryStore::default(), FolderStore::create(folder.path()).unwrap());
            for operation in operations {
                let expected = answer(&memory, operation.clone()).await;
                prop_assert_eq!(answer(&store, operation.clone()).await, expected, "{:?}", operation);
            }
            let read_again = FolderStore::open(folder.path()).unwrap();
            prop_assert_eq!(read_again.list_objects("").await.unwrap(), memory.keys());
            prop_assert_eq!(files(folder.path()).len(), memory.keys().len());
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn an_object_appears_when_its_writer_is_finished_and_not_before() {
    let folder = folder();
    let store = FolderStore::create(folder.path()).unwrap();
    for end in [End::Finish, End::Abort, End::Drop] {
        let mut writer = store.create("reports/large", "text/plain").await.unwrap();
        // More than waits for the disk in memory.
        writer.write(&[b'a'; 3 * PIECE]).await.unwrap();
        let [unfinished] = &files(folder.path())[..] else { panic!("{:?}", files(folder.path())) };
        assert_eq!(fs::metadata(unfinished).unwrap().len(), 3 * PIECE as u64);
        assert_eq!(store.list_objects("").await.unwrap(), <[String; 0]>::default());
        match end {
            End::Finish => {
                writer.finish().await.unwrap();
                assert_eq!(store.list_objects("").await.unwrap(), ["reports/large"]);
                fs::remove_dir_all(folder.path().join("reports")).unwrap();
            }
            End::Abort => writer.abort().await.unwrap(),
            End::Drop => drop(writer),
        }
        assert_eq!(files(folder.path()), <[PathBuf; 0]>::default(), "{end:?}");
    }
    drop(store);
    assert!(!folder.path().join(UNFINISHED).exists());
}

#[tokio::test]
async fn what_a_killed_process_left_is_no_object_and_is_removed() {
    let folder = folder();
    fs::create_dir(folder.path().join(UNFINISHED)).unwrap();
    fs::write(folder.path().join(UNFINISHED).join("half"), "half a report").unwrap();
    assert_eq!(FolderStore::open(folder.path()).unwrap().list_objects("").await.unwrap(), <[String; 0]>::default());
    let store = FolderStore::create(folder.path()).unwrap();
    assert_eq!(files(folder.path()), <[PathBuf; 0]>::default());
    drop(store);
}

#[tokio::test]
async fn one_at_a_time_writes_and_others_may_read() {
    let folder = folder();
    let store = FolderStore::create(folder.path().join("new/and/deep")).unwrap();
    let second = FolderStore::create(store.root()).unwrap_err();
    assert_eq!(second.name(), "Conflict");
    assert!(second.to_string().starts_with("another process is writing into "), "{second}");

    let reader = FolderStore::open(store.root()).unwrap();
    assert_eq!(put(&store, "a", b"one").await, Ok(PutOutcome::Written));
    assert_eq!(reader.get("a").await.unwrap().unwrap().content, "one");
    let refused = [put(&reader, "a", b"two").await.map(drop), reader.create("a", "").await.map(drop)];
    assert_eq!(refused.map(|refused| refused.unwrap_err().name()), ["InvalidRequest"; 2]);

    let clone = store.clone();
    drop(store);
    assert!(FolderStore::create(clone.root()).is_err());
    let root = clone.root().to_owned();
    drop(clone);
    assert!(FolderStore::create(root).is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conditions_hold_for_many_at_once() {
    let folder = folder();
    let store = FolderStore::create(folder.path()).unwrap();
    for key in (0..50).map(|number| format!("claims/{number}")) {
        let writes = (0..16_u8).map(|number| {
            let (store, key) = (store.clone(), key.clone());
            tokio::spawn(async move { store.put(&key, "", vec![number].into(), Condition::IfAbsent).await.unwrap() })
        });
        let outcomes = join_all(writes).await.into_iter().map(Result::unwrap);
        assert_eq!(outcomes.filter(|outcome| *outcome == PutOutcome::Written).count(), 1, "{key}");
    }
    let additions = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let one_more = |there: Option<&[u8]>| {
                let number = there.map_or(0_u32, |there| serde_json::from_slice(there).unwrap());
                Ok((Some(number + 1), ()))
            };
            assert_eq!(amend_json(&store, "count", 1_000, one_more).await, Ok(Some(())));
        })
    });
    join_all(additions).await.into_iter().for_each(Result::unwrap);
    assert_eq!(store.get_json::<u32>("count").await, Ok(16));
}

/// `/dev/full` answers every write with ENOSPC: <https://man7.org/linux/man-pages/man4/full.4.html>
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_leaves_nothing_and_is_told() {
    let folder = folder();
    let store = FolderStore::create_with(folder.path().to_owned(), |path| {
        File::create_new(path)?;
        OpenOptions::new().write(true).open("/dev/full")
    })
    .unwrap();
    let mut early = store.create("a", "").await.unwrap();
    let mut late = store.create("a", "").await.unwrap();
    late.write(b"little, which goes to the disk at the end").await.unwrap();
    let failures = [
        early.write(&[b'a'; 2 * PIECE]).await,
        late.finish().await.map(drop),
        put(&store, "a", b"one").await.map(drop),
        put(&store, "b", &[b'b'; 2 * PIECE]).await.map(drop),
    ];
    drop(early);
    for failure in failures {
        let failure = failure.unwrap_err();
        assert_eq!(failure.name(), "Unavailable");
        assert!(failure.to_string().contains("is full; make room"), "{failure}");
    }
    assert_eq!(files(folder.path()), <[PathBuf; 0]>::default());
}

#[tokio::test]
async fn keys_do_not_lead_out_of_the_folder() {
    let folder = folder();
    fs::write(folder.path().join("secret"), "outside").unwrap();
    let store = FolderStore::create(folder.path().join("store")).unwrap();
    let absolute = folder.path().join("secret").display().to_string();
    let keys = ["", "/", "a/", "/a", "a//b", ".", "..", "../secret", "a/../../secret", "a/./b", "a\0b", &absolute];
    for key in keys.into_iter().chain([LOCK, UNFINISHED, ".unfinished/half"]) {
        let refused = [
            store.get(key).await.map(drop),
            ArtifactStore::open(&store, key).await.map(drop),
            put(&store, key, b"one").await.map(drop),
            store.create(key, "").await.map(drop),
        ];
        assert_eq!(refused.map(|refused| refused.unwrap_err().name()), ["InvalidRequest"; 4], "{key:?}");
    }
    for prefix in ["../", "a/../"] {
        assert_eq!(not_read(store.list_objects(prefix).await.unwrap_err()).name(), "InvalidRequest", "{prefix}");
    }
    assert_eq!(put(&store, "a/..b/.c", b"names that only look like it").await, Ok(PutOutcome::Written));
    assert_eq!(files(store.root()).len(), 1);
}

/// A link may lead out of the folder, to what is another tomorrow; and one that leads nowhere is not "absent".
#[tokio::test]
async fn links_and_sockets_are_refused() {
    let outside = folder();
    fs::create_dir(outside.path().join("s2")).unwrap();
    fs::write(outside.path().join("s2/plan.json"), "{}").unwrap();
    let folder = folder();
    let store = FolderStore::create(folder.path()).unwrap();
    let scans = folder.path().join("scans");
    fs::create_dir(&scans).unwrap();
    for make in [
        &|| symlink(outside.path().join("s2"), scans.join("s2")) as io::Result<()>,
        &|| symlink("nowhere", scans.join("s2")),
        &|| UnixListener::bind(scans.join("s2")).map(drop),
    ] as [&dyn Fn() -> io::Result<()>; 3]
    {
        make().unwrap();
        let refused = [
            store.get("scans/s2/plan.json").await.map(drop),
            store.get("scans/s2").await.map(drop),
            put(&store, "scans/s2/plan.json", b"other").await.map(drop),
            put(&store, "scans/s2", b"other").await.map(drop),
            store.list_objects("scans/").await.map(drop).map_err(not_read),
            store.list_objects("").await.map(drop).map_err(not_read),
            store.folders("scans/").await.map(drop).map_err(not_read),
        ];
        for refused in refused {
            let refused = refused.unwrap_err();
            assert_eq!(refused.name(), "Corrupt");
            assert!(refused.to_string().contains("scans/s2 is neither a file nor a folder"), "{refused}");
        }
        fs::remove_file(scans.join("s2")).unwrap();
    }
    assert_eq!(fs::read_to_string(outside.path().join("s2/plan.json")).unwrap(), "{}");
}

#[tokio::test]
async fn what_is_in_the_way_is_named() {
    let folder = folder();
    let store = FolderStore::create(folder.path()).unwrap();
    assert_eq!(put(&store, "file", b"one").await, Ok(PutOutcome::Written));
    assert_eq!(put(&store, "folder/file", b"one").await, Ok(PutOutcome::Written));
    for condition in [Condition::None, Condition::IfAbsent] {
        for (key, phrase) in [
            ("file/below", "a file lies in its place, or in that of a folder above"),
            ("file/below/that", "a file lies in its place, or in that of a folder above"),
            ("folder", "a folder lies in its place"),
        ] {
            let error = store.put(key, "", "two".into(), condition.clone()).await.unwrap_err();
            assert_eq!(error.name(), "Conflict", "{error}");
            assert!(error.to_string().contains(phrase), "{error}");
        }
    }
    // As in S3, where an object of a name says nothing of those below.
    for key in ["file/below", "folder", "none/below"] {
        assert_eq!(store.get(key).await, Ok(None), "{key}");
    }
    assert_eq!(store.list_objects("file/").await.unwrap(), <[String; 0]>::default());
    assert_eq!(files(folder.path()).len(), 2);

    // (a folder for a store, the error of opening it, and that of making it)
    let file = folder.path().join("file");
    let cases = [
        (file.clone(), "InvalidRequest", "is a file; what scans leave lies in a folder"),
        (file.join("below"), "Unavailable", "below cannot be read"),
        (folder.path().join("none"), "NotFound", "there is no folder"),
    ];
    for (root, name, phrase) in cases {
        let error = FolderStore::open(&root).unwrap_err();
        assert!(error.name() == name && error.to_string().contains(phrase), "{error}");
    }
    for root in [file.clone(), file.join("below")] {
        assert_eq!(FolderStore::create(root).unwrap_err().name(), "Conflict");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_not_absent() {
    let folder = folder();
    let root = folder.path().join("store");
    let store = FolderStore::create(&root).unwrap();
    // Longer than file systems take: the error comes from the operating system.
    let long = "a".repeat(300);
    assert_eq!(store.get(&long).await.unwrap_err().name(), "InvalidRequest");
    fs::remove_dir_all(&root).unwrap();
    let read = [
        store.get("a").await.map(drop),
        store.list_objects("scans/").await.map(drop).map_err(not_read),
        store.list_objects("").await.map(drop).map_err(not_read),
        store.folders("scans/").await.map(drop).map_err(not_read),
    ];
    assert_eq!(read.map(|read| read.unwrap_err().name()), ["Unavailable"; 4]);

    let path = Path::new("/evidence/scans");
    for (kind, name, phrase) in [
        (io::ErrorKind::StorageFull, "Unavailable", "make room"),
        (io::ErrorKind::QuotaExceeded, "Unavailable", "make room"),
        (io::ErrorKind::PermissionDenied, "AccessDenied", "your user lacks the permission"),
        (io::ErrorKind::ReadOnlyFilesystem, "AccessDenied", "choose another folder"),
        (io::ErrorKind::IsADirectory, "Conflict", "a folder lies in its place"),
        (io::ErrorKind::TimedOut, "Unavailable", "timed out"),
    ] {
        let error = failed("written", path, &kind.into());
        assert_eq!(error.name(), name, "{error}");
        assert!(error.to_string().starts_with("/evidence/scans cannot be written: "), "{error}");
        assert!(error.to_string().contains(phrase), "{error}");
    }
    assert_eq!(unlinked(path, &io::ErrorKind::PermissionDenied.into()).name(), "AccessDenied");
}

#[tokio::test]
async fn a_large_object_is_read_a_piece_at_a_time() {
    let folder = folder();
    let store = FolderStore::create(folder.path()).unwrap();
    let mut writer = store.create("large", "").await.unwrap();
    for _ in 0..256 {
        writer.write(&[b'a'; 100_000]).await.unwrap();
    }
    let written = writer.finish().await.unwrap();
    assert_eq!(written.bytes, 25_600_000);
    let mut reader = ArtifactStore::open(&store, "large").await.unwrap().unwrap();
    let (mut read, mut largest) = (0, 0);
    loop {
        let piece = reader.fill_buf().await.unwrap().len();
        if piece == 0 {
            break;
        }
        (read, largest) = (read + piece, largest.max(piece));
        reader.consume(piece);
    }
    assert_eq!((read, largest), (25_600_000, PIECE));
    let mut text = String::new();
    ArtifactStore::open(&store, "large").await.unwrap().unwrap().read_to_string(&mut text).await.unwrap();
    assert_eq!(sha256(text.as_bytes()), written.sha256);
}

/// What `aws s3 sync` leaves: folders, files, and nothing of the store's own.
#[tokio::test]
async fn a_copied_folder_is_a_store() {
    let folder = folder();
    fs::create_dir_all(folder.path().join("scans/s1/empty/below")).unwrap();
    fs::create_dir_all(folder.path().join("scans/s0/empty")).unwrap();
    fs::write(folder.path().join("scans/s1/plan.json"), "{}").unwrap();
    fs::write(folder.path().join("scans/index"), "").unwrap();
    let store = FolderStore::open(folder.path()).unwrap();
    assert_eq!(store.list_objects("scans/").await.unwrap(), ["scans/index", "scans/s1/plan.json"]);
    assert_eq!(store.folders("scans/").await.unwrap(), ["s1"], "in S3 there are no folders without objects");
    let opened = EvidenceStore::open(&store, "scans/s1/plan.json").await.unwrap().unwrap();
    assert_eq!(opened.version_id, None);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "reading leaves nothing");
}
