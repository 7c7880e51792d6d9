//! A store in a folder of this machine, or a copy there of a reports bucket: an object is a file, and its key the path below
//! the folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_trait::async_trait;
use audit_task::TaskError;
use bytes::Bytes;
use tokio::io::{AsyncRead, BufReader, ReadBuf};
use tokio::task::spawn_blocking;

use crate::s3::{Digest, hex};
use crate::store::{ArtifactReader, ArtifactStore, ArtifactWriter, Condition, PutOutcome, Stored, Written};

/// The file whose lock says that somebody writes.
const LOCK: &str = ".lock";

/// The folder of the files of objects that are not finished. It lies in the store, for a file can be renamed within one file
/// system only, and it is the only place that no list shows: a file that is hidden anywhere else would be one that the check
/// of the evidence does not see.
const UNFINISHED: &str = ".unfinished";

/// Bytes that are read or written at once, and so the memory that one object takes.
const PIECE: usize = 64 * 1024;

/// A store in a folder. Clones share it.
#[derive(Debug, Clone)]
pub struct FolderStore(Arc<Folder>);

#[derive(Debug)]
struct Folder {
    root: PathBuf,
    /// Absent where the store is only read.
    writing: Option<Writing>,
}

#[derive(Debug)]
struct Writing {
    /// Held as long as the store is.
    _lock: File,
    /// Whose turn it is to let an object appear: nobody comes between the look at a condition and what follows from it.
    turn: Mutex<()>,
    create_file: fn(&Path) -> io::Result<File>,
}

impl FolderStore {
    /// The store in a folder that is there, to be read. It refuses to be written.
    ///
    /// # Errors
    /// `NotFound` when there is no such folder, `InvalidRequest` when it is a file, and `AccessDenied` when it may not be seen.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, TaskError> {
        let root = root.into();
        match fs::metadata(&root) {
            Ok(there) if there.is_dir() => Ok(Self(Arc::new(Folder { root, writing: None }))),
            Ok(_) => Err(TaskError::InvalidRequest(format!(
                "{} is a file; what scans leave lies in a folder: name that",
                root.display()
            ))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(TaskError::NotFound(format!("there is no folder {}", root.display())))
            }
            Err(error) => Err(failed("read", &root, &error)),
        }
    }

    /// The store in a folder, to be read and written; the folder is made where there is none. Nobody else can write it as long
    /// as this store or a clone of it lives. What somebody left unfinished is removed.
    ///
    /// # Errors
    /// `Conflict` when somebody else writes it, and what keeps the folder from being made or written.
    pub fn create(root: impl Into<PathBuf>) -> Result<Self, TaskError> {
        Self::create_with(root.into(), |path| OpenOptions::new().write(true).create_new(true).open(path))
    }

    fn create_with(root: PathBuf, create_file: fn(&Path) -> io::Result<File>) -> Result<Self, TaskError> {
        make_folder(&root)?;
        let path = root.join(LOCK);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let lock = lock.map_err(|error| failed("written", &path, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(TaskError::Conflict(format!(
                    "another process is writing into {}; wait for its end, or choose another folder",
                    root.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(failed("locked", &path, &error)),
        }
        let unfinished = root.join(UNFINISHED);
        match fs::remove_dir_all(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("removed", &unfinished, &error));
            }
            _ => make_folder(&unfinished)?,
        }
        let writing = Writing { _lock: lock, turn: Mutex::new(()), create_file };
        Ok(Self(Arc::new(Folder { root, writing: Some(writing) })))
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// An object as a file, for those who can read nothing else; `None` when there is none.
    ///
    /// # Errors
    /// Those of [`ArtifactStore::open`].
    pub fn file(&self, key: &str) -> Result<Option<File>, TaskError> {
        Ok(self.0.open_file(key)?.map(|(_, file)| file))
    }

    /// Does what may take the disk a while where nothing else waits for it.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> Result<T, TaskError> + Send + 'static,
    ) -> Result<T, TaskError> {
        let folder = Arc::clone(&self.0);
        spawn_blocking(move || work(&folder))
            .await
            .unwrap_or_else(|error| Err(TaskError::Internal(format!("work with files broke off: {error}"))))
    }

    /// The keys of all objects that begin with `prefix`, in the order of their bytes.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<String>, TaskError> {
        let prefix = prefix.to_owned();
        self.on_disk(move |folder| folder.list(&prefix)).await
    }

    /// The names of the folders in a folder that hold an object, sorted.
    pub(crate) async fn list_folders(&self, of: &str) -> Result<Vec<String>, TaskError> {
        let of = of.to_owned();
        self.on_disk(move |folder| folder.list_folders(&of)).await
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.writing.is_some() {
            // Empty by now. Where it cannot be removed, whoever writes next does.
            drop(fs::remove_dir(self.root.join(UNFINISHED)));
        }
    }
}

/// What lies in the place of a key.
enum Place {
    Object(PathBuf),
    Folder(PathBuf),
    Nothing(PathBuf),
}

impl Folder {
    /// Looks at the place of a key. A file in the place of one of its folders means what it would in S3: no object lies below.
    fn look(&self, key: &str) -> Result<Place, TaskError> {
        check_key(key)?;
        let mut path = self.root.clone();
        let mut place = None;
        for name in key.split('/') {
            let is_below_nothing = matches!(place, Some(Place::Object(_) | Place::Nothing(_)));
            path.push(name);
            place = Some(match fs::symlink_metadata(&path) {
                _ if is_below_nothing => Place::Nothing(path.clone()),
                Ok(there) if there.is_file() => Place::Object(path.clone()),
                Ok(there) if there.is_dir() => Place::Folder(path.clone()),
                Ok(_) => return Err(neither_file_nor_folder(&path)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Place::Nothing(path.clone()),
                Err(error) => return Err(failed("read", &path, &error)),
            });
        }
        match place {
            Some(Place::Nothing(_)) | None if !self.root.is_dir() => Err(TaskError::Unavailable(format!(
                "the folder {} is not there any more; what lay in it cannot be read",
                self.root.display()
            ))),
            Some(place) => Ok(place),
            None => Ok(Place::Nothing(path)),
        }
    }

    fn open_file(&self, key: &str) -> Result<Option<(PathBuf, File)>, TaskError> {
        let Place::Object(path) = self.look(key)? else {
            return Ok(None);
        };
        let file = File::open(&path).map_err(|error| failed("read", &path, &error))?;
        Ok(Some((path, file)))
    }

    fn get(&self, key: &str) -> Result<Option<Stored>, TaskError> {
        let Some((path, mut file)) = self.open_file(key)? else {
            return Ok(None);
        };
        let mut content = Vec::new();
        file.read_to_end(&mut content).map_err(|error| failed("read", &path, &error))?;
        let etag = hex(&Digest::of(&content));
        Ok(Some(Stored { content: content.into(), etag }))
    }

    /// The state of an object, as [`Stored::etag`] has it, from its stream; `None` where there is none.
    fn etag(&self, key: &str) -> Result<Option<String>, TaskError> {
        let Some((path, mut file)) = self.open_file(key)? else {
            return Ok(None);
        };
        let mut digest = Digest::new();
        let mut piece = vec![0; PIECE];
        loop {
            match file.read(&mut piece) {
                Ok(0) => return Ok(Some(hex(&digest.value()))),
                Ok(read) => digest.update(piece.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed("read", &path, &error)),
            }
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, TaskError> {
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut keys = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for (key, is_folder) in self.entries(&folder)? {
                if !is_folder && key.starts_with(prefix) {
                    keys.push(key);
                } else if is_folder && format!("{key}/").starts_with(prefix) {
                    folders.push(key);
                }
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    fn list_folders(&self, of: &str) -> Result<Vec<String>, TaskError> {
        let mut names = Vec::new();
        for (key, is_folder) in self.entries(of.trim_end_matches('/'))? {
            if is_folder && self.holds_an_object(&key)? {
                names.extend(key.rsplit('/').next().map(str::to_owned));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// S3 has no folders but those that objects lie in.
    fn holds_an_object(&self, folder: &str) -> Result<bool, TaskError> {
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for (key, is_folder) in self.entries(&folder)? {
                if !is_folder {
                    return Ok(true);
                }
                folders.push(key);
            }
        }
        Ok(false)
    }

    /// The keys of the files and folders in a folder, and whether each is a folder; none where there is no such folder. The
    /// store itself has no name.
    fn entries(&self, folder: &str) -> Result<Vec<(String, bool)>, TaskError> {
        let path = match folder {
            "" => self.root.clone(),
            _ => match self.look(folder)? {
                Place::Folder(path) => path,
                Place::Object(_) | Place::Nothing(_) => return Ok(Vec::new()),
            },
        };
        let unread = |error| failed("read", &path, &error);
        let mut entries = Vec::new();
        for entry in fs::read_dir(&path).map_err(unread)? {
            let entry = entry.map_err(unread)?;
            let name = entry.file_name();
            let name = name.to_str().ok_or_else(|| {
                TaskError::Corrupt(format!(
                    "{} has a name that is no UTF-8, and so no key of an object; move it out of the folder",
                    entry.path().display()
                ))
            })?;
            if folder.is_empty() && [LOCK, UNFINISHED].contains(&name) {
                continue;
            }
            let kind = entry.file_type().map_err(unread)?;
            if !kind.is_dir() && !kind.is_file() {
                return Err(neither_file_nor_folder(&entry.path()));
            }
            let key = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            entries.push((key, kind.is_dir()));
        }
        Ok(entries)
    }

    /// Begins the file of an object.
    fn begin(&self) -> Result<Unfinished, TaskError> {
        let Some(writing) = &self.writing else {
            return Err(TaskError::InvalidRequest(format!(
                "{} was opened for reading, and nothing is written into it",
                self.root.display()
            )));
        };
        let path = self.root.join(UNFINISHED).join(format!("{:032x}", fastrand::u128(..)));
        let file = (writing.create_file)(&path).map_err(|error| failed("written", &path, &error))?;
        Ok(Unfinished { file: BufWriter::with_capacity(PIECE, file), path })
    }

    /// Lets an object appear.
    fn appear(&self, mut unfinished: Unfinished, key: &str, condition: &Condition) -> Result<PutOutcome, TaskError> {
        let (Place::Object(path) | Place::Folder(path) | Place::Nothing(path)) = self.look(key)?;
        let unwritten = |error: io::Error| failed("written", &path, &error);
        // Before its name: a name without its content would be half an object, should the machine stop.
        unfinished.file.flush().and_then(|()| unfinished.file.get_ref().sync_all()).map_err(unwritten)?;
        if let Some(parent) = path.parent() {
            make_folder(parent)?;
        }
        let _turn = self.writing.as_ref().map(|it| it.turn.lock().unwrap_or_else(PoisonError::into_inner));
        match condition {
            Condition::IfAbsent => {
                return match fs::hard_link(&unfinished.path, &path) {
                    Ok(()) => Ok(PutOutcome::Written),
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !path.is_dir() => {
                        Ok(PutOutcome::ConditionFailed)
                    }
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(a_folder_lies_at(&path)),
                    Err(error) => Err(unlinked(&path, &error)),
                };
            }
            Condition::IfMatch(wanted) if self.etag(key)?.as_ref() != Some(wanted) => {
                return Ok(PutOutcome::ConditionFailed);
            }
            Condition::IfMatch(_) | Condition::None => {}
        }
        fs::rename(&unfinished.path, &path).map_err(unwritten)?;
        Ok(PutOutcome::Written)
    }
}

#[async_trait]
impl ArtifactStore for FolderStore {
    async fn get(&self, key: &str) -> Result<Option<Stored>, TaskError> {
        let key = key.to_owned();
        self.on_disk(move |folder| folder.get(&key)).await
    }

    async fn open(&self, key: &str) -> Result<Option<ArtifactReader>, TaskError> {
        let key = key.to_owned();
        let opened = self.on_disk(move |folder| folder.open_file(&key)).await?;
        Ok(opened
            .map(|(path, file)| Box::new(BufReader::with_capacity(PIECE, Reading { file, path })) as ArtifactReader))
    }

    async fn put(
        &self,
        key: &str,
        _content_type: &str,
        content: Bytes,
        condition: Condition,
    ) -> Result<PutOutcome, TaskError> {
        let key = key.to_owned();
        self.on_disk(move |folder| {
            check_key(&key)?;
            let mut unfinished = folder.begin()?;
            unfinished.append(&content)?;
            folder.appear(unfinished, &key, &condition)
        })
        .await
    }

    async fn create(&self, key: &str, _content_type: &str) -> Result<Box<dyn ArtifactWriter>, TaskError> {
        check_key(key)?;
        let unfinished = self.on_disk(Folder::begin).await?;
        let (store, key) = (self.clone(), key.to_owned());
        Ok(Box::new(FolderWriter { unfinished, store, key, digest: Digest::new(), bytes: 0 }))
    }
}

/// An object that is being written.
struct FolderWriter {
    /// Before the store, which removes the folder that this lies in.
    unfinished: Unfinished,
    store: FolderStore,
    key: String,
    digest: Digest,
    bytes: u64,
}

#[async_trait]
impl ArtifactWriter for FolderWriter {
    /// Into the memory of the operating system, which takes a piece as fast as a channel would.
    async fn write(&mut self, content: &[u8]) -> Result<(), TaskError> {
        self.unfinished.append(content)?;
        self.digest.update(content);
        self.bytes += content.len() as u64;
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<Written, TaskError> {
        let Self { unfinished, store, key, digest, bytes } = *self;
        let appeared = store.on_disk(move |folder| folder.appear(unfinished, &key, &Condition::None)).await?;
        match appeared {
            PutOutcome::Written => Ok(Written { bytes, sha256: hex(&digest.value()) }),
            PutOutcome::ConditionFailed => {
                Err(TaskError::Internal("an object without a condition was not written".to_owned()))
            }
        }
    }

    async fn abort(self: Box<Self>) -> Result<(), TaskError> {
        Ok(())
    }
}

/// The file of an object that is not finished. It goes when this does; a file that was renamed is not there any more.
struct Unfinished {
    file: BufWriter<File>,
    path: PathBuf,
}

impl Unfinished {
    fn append(&mut self, content: &[u8]) -> Result<(), TaskError> {
        self.file.write_all(content).map_err(|error| failed("written", &self.path, &error))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                // Whoever writes next removes it, and no list shows it.
                tracing::warn!(path = %self.path.display(), %error, "an unfinished file was not removed");
            }
            _ => {}
        }
    }
}

/// A file that is being read, a piece at a time. A piece comes from a disk sooner than another thread would hand it on.
struct Reading {
    file: File,
    path: PathBuf,
}

impl AsyncRead for Reading {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.file.read(buffer.initialize_unfilled()) {
                Ok(read) => {
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(io::Error::other(failed("read", &self.path, &error)))),
            }
        }
    }
}

/// Refuses keys that are no path below the folder, and the two names that are the store's own.
fn check_key(key: &str) -> Result<(), TaskError> {
    let is_name = |name: &str| {
        let mut components = Path::new(name).components();
        let is_one = matches!(components.next(), Some(Component::Normal(normal)) if normal == name);
        is_one && components.next().is_none() && !name.contains('\0')
    };
    let is_own = key.split('/').next().is_some_and(|first| [LOCK, UNFINISHED].contains(&first));
    if !is_own && key.split('/').all(is_name) {
        return Ok(());
    }
    Err(TaskError::InvalidRequest(format!(
        "{key:?} is no key of an object in a folder: it must be names with / between them, none of them empty, . or .., and \
         not begin with {LOCK} or {UNFINISHED}"
    )))
}

fn make_folder(path: &Path) -> Result<(), TaskError> {
    fs::create_dir_all(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => TaskError::Conflict(format!(
            "the folder {} cannot be made: a file lies in its place, or in that of a folder above; move it away, or choose \
             another folder",
            path.display()
        )),
        _ => failed("made", path, &error),
    })
}

fn neither_file_nor_folder(path: &Path) -> TaskError {
    TaskError::Corrupt(format!(
        "{} is neither a file nor a folder; a store holds nothing else, and follows no links: move it away, or put what it \
         leads to in its place",
        path.display()
    ))
}

fn a_folder_lies_at(path: &Path) -> TaskError {
    TaskError::Conflict(format!(
        "{} cannot be written: a folder lies in its place; move it away, or choose another folder",
        path.display()
    ))
}

fn unlinked(path: &Path, error: &io::Error) -> TaskError {
    match error.kind() {
        // EPERM is what Linux answers where the file system has none: <https://man7.org/linux/man-pages/man2/link.2.html>
        io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported => TaskError::AccessDenied(format!(
            "{} cannot be written: no permission, or its file system has no hard links, as FAT and exFAT have none; choose \
             another folder",
            path.display()
        )),
        _ => failed("written", path, error),
    }
}

/// What it means that a file or folder could not be `done`, and what to do.
fn failed(done: &str, path: &Path, error: &io::Error) -> TaskError {
    let what = format!("{} cannot be {done}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => TaskError::Unavailable(format!(
            "{what}: the disk, or what you may use of it, is full; make room, and try again"
        )),
        io::ErrorKind::PermissionDenied => TaskError::AccessDenied(format!(
            "{what}: your user lacks the permission; give it, or choose another folder"
        )),
        io::ErrorKind::ReadOnlyFilesystem => TaskError::AccessDenied(format!(
            "{what}: its file system is mounted to be read only; choose another folder"
        )),
        io::ErrorKind::IsADirectory | io::ErrorKind::DirectoryNotEmpty => a_folder_lies_at(path),
        io::ErrorKind::InvalidFilename => {
            TaskError::InvalidRequest(format!("{what}: the file system takes no names that are so long"))
        }
        _ => TaskError::Unavailable(format!("{what}: {error}")),
    }
}

#[cfg(test)]
mod tests;
