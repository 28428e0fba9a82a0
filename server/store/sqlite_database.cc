#include "server/store/sqlite_database.h"

#include <sqlite3.h>

#include <system_error>

#include "server/store/damage_note.h"
#include "server/store/database_check.h"
#include "server/store/sql_statement.h"
#include "server/store/wal_check.h"

namespace distill::server {
namespace {

// What SQLite closes while another connection of the process has the file open stays open until all
// have gone, for the sake of POSIX locks: so readers are few, and kept.
constexpr size_t kMaxReaders = 12;
std::string PragmaText(SQLite::Database& database, const std::string& pragma) {
  SQLite::Statement query(database, "PRAGMA " + pragma);
  return query.executeStep() ? query.getColumn(0).getString() : std::string();
}

Status CheckOwner(SQLite::Database& database, int application_id) {
  const bool is_new = SelectInt(database, "SELECT count(*) FROM sqlite_schema") == 0;
  if (is_new) database.exec("PRAGMA application_id = " + std::to_string(application_id));
  const std::string found = PragmaText(database, "application_id");
  if (found == std::to_string(application_id)) return Status::Ok();
  return {Code::kFailedPrecondition,
          "the file is a database of another kind, application id: " + found};
}

Status CheckIntegrity(SQLite::Database& database) {
  const std::string damage = FindDamage(database);
  if (damage.empty()) return Status::Ok();
  return {Code::kDataLoss, "the database is damaged: " + damage};
}

bool IsUpToDate(SQLite::Database& database, const std::vector<Migration>& migrations) {
  const int newest = migrations.empty() ? 0 : migrations.back().version;
  return PragmaText(database, "user_version") == std::to_string(newest);
}

Status Configure(SQLite::Database& database, const SqliteDatabaseOptions& options,
                 bool is_in_memory) {
  const std::string mode = PragmaText(database, "journal_mode = WAL");
  if (mode != "wal" && !is_in_memory) {
    return {Code::kFailedPrecondition,
            "the file system does not support a write-ahead log; journal mode: " + mode};
  }
  database.exec(options.is_durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  database.exec("PRAGMA foreign_keys = ON");
  database.exec("PRAGMA trusted_schema = OFF");
  if (options.is_guest) database.exec("PRAGMA wal_autocheckpoint = 0");
  database.exec("PRAGMA journal_size_limit = 67108864");
  if (options.max_bytes > 0) {
    const int64_t page_bytes = SelectInt(database, "PRAGMA page_size").value_or(4096);
    database.exec("PRAGMA max_page_count = " + std::to_string(options.max_bytes / page_bytes));
  }
  return Status::Ok();
}

}  // namespace

Code CodeFor(const SQLite::Exception& error) {
  constexpr int kPrimaryCodeMask = 0xFF;
  switch (error.getErrorCode() & kPrimaryCodeMask) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Code::kUnavailable;
    case SQLITE_FULL:
      return Code::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::kDataLoss;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return Code::kPermissionDenied;
    default:
      return Code::kInternal;
  }
}

SqliteDatabase::SqliteDatabase(const SqliteDatabaseOptions& options)
    : options_(options), is_in_memory_(options.path == ":memory:") {}

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(
    const SqliteDatabaseOptions& options, const std::vector<Migration>& migrations,
    int64_t now_unix_ms) {
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(options));
  if (!options.frozen_because.empty()) {
    database->PrepareFrozen();
    return database;
  }
  const Status status = database->Prepare(migrations, now_unix_ms);
  if (status.code() == Code::kDataLoss && !options.is_guest) {
    NoteDamage(options.path, status.message());
  }
  if (!status.ok()) return status.WithContext("open " + options.path.string());
  return database;
}

void SqliteDatabase::PrepareFrozen() {
  Freeze(options_.frozen_because);
  const auto version = Read("read schema version", [](SQLite::Database& database) -> Result<int> {
    return static_cast<int>(SelectInt(database, "PRAGMA user_version").value_or(0));
  });
  if (version.ok()) schema_version_ = *version;
}

std::string SqliteDatabase::DamageBehind(Code code) {
  const bool is_of_the_file = code == Code::kDataLoss || code == Code::kInternal ||
                              code == Code::kPermissionDenied || code == Code::kUnavailable;
  if (!is_of_the_file) return "";
  const MutexLock lock(writer_mutex_);
  return frozen_because_;
}

void SqliteDatabase::Freeze(const std::string& because) {
  const MutexLock lock(writer_mutex_);
  frozen_because_ = because;
}

Status SqliteDatabase::Prepare(const std::vector<Migration>& migrations, int64_t now_unix_ms) {
  const MutexLock lock(writer_mutex_);
  std::error_code no_file;
  const uint64_t size = std::filesystem::file_size(options_.path, no_file);
  if (const auto noted = FindDamageNote(options_.path)) return {Code::kDataLoss, *noted};
  if (!is_in_memory_ && !options_.is_guest) {
    DISTILL_RETURN_IF_ERROR(CheckWriteAheadLog(options_.path, options_.is_durable));
  }
  std::unique_ptr<SQLite::Database> writer;
  const Status prepared = Guard("prepare", [&]() -> Status {
    writer = std::make_unique<SQLite::Database>(options_.path.string(),
                                                SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE,
                                                static_cast<int>(options_.busy_timeout.count()));
    // A database that is found damaged stays as it is, its log too.
    ::sqlite3_db_config(writer->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    DISTILL_RETURN_IF_ERROR(CheckOwner(*writer, options_.application_id));
    DISTILL_RETURN_IF_ERROR(Configure(*writer, options_, is_in_memory_));
    is_checked_ = no_file || size <= options_.max_checked_bytes || !IsUpToDate(*writer, migrations);
    if (is_checked_ && !options_.is_guest) DISTILL_RETURN_IF_ERROR(CheckIntegrity(*writer));
    DISTILL_ASSIGN_OR_RETURN(schema_version_, Migrate(*writer, migrations, now_unix_ms));
    const int keeps_log = options_.is_guest ? 1 : 0;
    ::sqlite3_db_config(writer->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keeps_log, nullptr);
    return Status::Ok();
  });
  if (prepared.ok()) writer_ = std::move(writer);
  return prepared;
}

std::unique_ptr<SQLite::Database> SqliteDatabase::TakeReader() {
  {
    const MutexLock lock(readers_mutex_);
    while (idle_readers_.empty() && num_readers_ >= kMaxReaders) {
      reader_returned_.Wait(readers_mutex_);
    }
    if (!idle_readers_.empty()) {
      std::unique_ptr<SQLite::Database> reader = std::move(idle_readers_.back());
      idle_readers_.pop_back();
      return reader;
    }
    ++num_readers_;
  }
  try {
    return std::make_unique<SQLite::Database>(options_.path.string(), SQLite::OPEN_READONLY,
                                              static_cast<int>(options_.busy_timeout.count()));
  } catch (...) {
    ForgetReader();
    throw;
  }
}

void SqliteDatabase::ReturnReader(std::unique_ptr<SQLite::Database> reader, bool is_kept) {
  if (!is_kept) {
    reader.reset();
    return ForgetReader();
  }
  const MutexLock lock(readers_mutex_);
  idle_readers_.push_back(std::move(reader));
  reader_returned_.NotifyOne();
}

void SqliteDatabase::ForgetReader() {
  const MutexLock lock(readers_mutex_);
  --num_readers_;
  reader_returned_.NotifyOne();
}

}  // namespace distill::server
