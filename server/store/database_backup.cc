#include "server/store/database_backup.h"

#include <SQLiteCpp/Backup.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <string>
#include <system_error>

#include "core/base/durable_file.h"
#include "server/store/database_check.h"
#include "server/store/database_files.h"
#include "server/store/sqlite_database.h"

namespace distill::server {
namespace {

namespace fs = std::filesystem;

constexpr char kNoteFile[] = "last_backup";  // in the state folder: the path of the newest backup

Status SyncFile(const fs::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return ErrnoStatus("open " + path.string(), errno);
  if (::fsync(file.get()) != 0) return ErrnoStatus("sync " + path.string(), errno);
  return Status::Ok();
}

Status CopyDatabase(const fs::path& from, const fs::path& to) {
  return Guard("copy " + from.string(), [&]() -> Status {
    SQLite::Database source(from.string(), SQLite::OPEN_READONLY, kReaderBusyTimeoutMs);
    SQLite::Database copy(to.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    // All pages in one step: the copy is one moment of the source, and writers go on meanwhile.
    SQLite::Backup(copy, source).executeStep(-1);
    // One file without a log beside it, until a daemon opens it again.
    SQLite::Statement(copy, "PRAGMA journal_mode = DELETE").executeStep();
    return Status::Ok();
  });
}

// Copies one database and reads the copy back.
Status BackUpOne(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::is_regular_file(from, error)) {
    return {Code::kNotFound, "there is no database: " + from.string()};
  }
  DISTILL_RETURN_IF_ERROR(CopyDatabase(from, to));
  const DatabaseFindings findings = CheckDatabase(to);
  if (!findings.damage.empty()) {
    return {Code::kDataLoss, "the copy of " + from.string() +
                                 " is damaged, and so perhaps is the database (see: distilld "
                                 "doctor): " +
                                 findings.damage.front()};
  }
  return SyncFile(to);
}

// Where a backup is made, and where the earlier one waits on file systems that cannot exchange two
// folders. A kill between the two renames leaves both whole under these names, and none at the
// target.
fs::path FreshOf(const fs::path& target) { return target.string() + ".tmp"; }
fs::path PreviousOf(const fs::path& target) { return target.string() + ".being-replaced"; }

Status Rename(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return ErrnoStatus("rename " + from.string(), errno);
  return SyncDirectory(to.parent_path());
}

bool IsBackup(const fs::path& folder) {
  std::error_code error;
  return fs::is_regular_file(folder / kControlFile, error);
}

// Finishes a replacement that was cut short.
Status FinishReplacement(const fs::path& target) {
  const fs::path previous = PreviousOf(target);
  std::error_code error;
  if (!IsBackup(previous)) return Status::Ok();
  if (!fs::exists(target, error)) {
    // The earlier one is moved away only when the new one is whole.
    const fs::path fresh = FreshOf(target);
    DISTILL_RETURN_IF_ERROR(Rename(IsBackup(fresh) ? fresh : previous, target));
  }
  fs::remove_all(previous, error);
  return Status::Ok();
}

// As an exchange, on file systems that have none (NFS, SMB).
Status ReplaceInSteps(const fs::path& fresh, const fs::path& target) {
  const fs::path previous = PreviousOf(target);
  DISTILL_RETURN_IF_ERROR(Rename(target, previous));
  const Status renamed = Rename(fresh, target);
  if (!renamed.ok()) {
    static_cast<void>(Rename(previous, target));
    return renamed;
  }
  std::error_code error;
  fs::remove_all(previous, error);
  return Status::Ok();
}

// Puts the folder `fresh` in the place of `target`.
Status Replace(const fs::path& fresh, const fs::path& target) {
  std::error_code error;
  if (!fs::exists(target, error)) return Rename(fresh, target);
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) != 0) {
    if (errno == EINVAL || errno == ENOSYS) return ReplaceInSteps(fresh, target);
    return ErrnoStatus("exchange " + fresh.string() + " and " + target.string(), errno);
  }
  DISTILL_RETURN_IF_ERROR(SyncDirectory(target.parent_path()));
  fs::remove_all(fresh, error);  // the earlier backup
  return Status::Ok();
}

Status CheckTarget(const fs::path& target) {
  std::error_code error;
  if (!fs::exists(target, error)) return Status::Ok();
  if (IsBackup(target)) return Status::Ok();
  if (fs::is_directory(target, error) && fs::is_empty(target, error)) return Status::Ok();
  return {Code::kAlreadyExists,
          "this is no backup; name one to replace, or a folder that does not exist: " +
              target.string()};
}

}  // namespace

Status BackUpDatabases(const fs::path& state_directory, const fs::path& folder) {
  // Its name is the beginning of others', so it must not end in a slash.
  const fs::path target = folder.has_filename() ? folder : folder.parent_path();
  DISTILL_RETURN_IF_ERROR(FinishReplacement(target));
  DISTILL_RETURN_IF_ERROR(CheckTarget(target));
  const fs::path fresh = FreshOf(target);
  std::error_code error;
  fs::remove_all(fresh, error);
  fs::create_directories(fresh, error);
  if (error) return ErrnoStatus("make folder " + fresh.string(), error.value());
  Status status = BackUpOne(state_directory / kControlFile, fresh / kControlFile);
  if (status.ok()) status = BackUpOne(state_directory / kMetricsFile, fresh / kMetricsFile);
  if (status.ok()) status = SyncDirectory(fresh);
  if (status.ok()) status = Replace(fresh, target);
  if (!status.ok()) {
    fs::remove_all(fresh, error);
    return status;
  }
  // The backup is whole without the note, which is for messages.
  static_cast<void>(ReplaceFile(state_directory / kNoteFile, target.string() + "\n").ok());
  return status;
}

std::string NewestBackup(const fs::path& state_directory) {
  const auto note = ReadFile(state_directory / kNoteFile);
  if (!note.ok()) return "no backup is known";
  const fs::path target = note->substr(0, note->find('\n'));
  struct stat info {};
  if (::stat((target / kControlFile).c_str(), &info) != 0) {
    if (!IsBackup(PreviousOf(target))) return "the newest backup is gone: " + target.string();
    return "the newest backup was being replaced when `distilld backup` was cut short: the one "
           "before is whole in " +
           PreviousOf(target).string() + ", the new one in " + FreshOf(target).string() +
           "; the next `distilld backup " + target.string() + "` puts that right";
  }
  std::tm utc{};
  ::gmtime_r(&info.st_mtime, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return "newest backup: " + target.string() + " of " + text.data();
}

}  // namespace distill::server
