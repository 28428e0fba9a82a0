#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/fault_point.h"
#include "core/base/mutex.h"
#include "core/base/status.h"
#include "server/store/migrator.h"

namespace distill::server {

/// Returns what kind of failure `error` is: kUnavailable (busy or locked), kResourceExhausted (the
/// disk is full), kDataLoss (damaged, or no database), kPermissionDenied (read-only or not to be
/// opened), kInternal otherwise.
Code CodeFor(const SQLite::Exception& error);

/// Runs `body` (which returns a Status or a Result) and turns what SQLiteCpp throws into a Status
/// that names `action`.
template <typename Body>
auto Guard(std::string_view action, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const SQLite::Exception& error) {
    return Status(CodeFor(error), std::string(action) + ": " + error.what());
  }
}

inline Status StatusOf(const Status& status) { return status; }
template <typename T>
Status StatusOf(const Result<T>& result) {
  return result.status();
}

struct SqliteDatabaseOptions {
  std::filesystem::path path;  // ":memory:" = kept in memory
  int application_id = 0;
  /// Whether each commit is on disk when it returns (synchronous=FULL), or may be lost at a power
  /// cut (NORMAL). Neither loses one when the process dies.
  bool is_durable = true;
  std::chrono::milliseconds busy_timeout{5'000};
  int64_t max_bytes = 0;  // 0 = as the disk allows
  /// A larger file is not searched for damage at opening (see is_checked).
  uint64_t max_checked_bytes = uint64_t{256} << 20U;
  /// Whether a daemon may have it open: it is not searched for damage, and nothing is moved from
  /// its log into the database. One of two that did so would meet SQLite's WAL-reset fault.
  bool is_guest = false;
  /// Not empty: opened for reading only, whatever its state; Write() fails with this message.
  std::string frozen_because;
  /// Told how long each Write() took, and how it ended (kAborted: by what `body` returned); may be
  /// empty.
  using OnWrite = std::function<void(std::chrono::nanoseconds, Code)>;
  OnWrite on_write;
};

/// One database file: a single connection that writes, and some that read only.
/// Thread-safe. Every call blocks on disk.
class SqliteDatabase {
 public:
  /// Opens or creates the file, looks for damage and brings its schema up to date.
  /// kDataLoss: it is damaged, or no database; nothing is changed then. kFailedPrecondition: it
  /// belongs to another program, or to a newer version of this one. kUnavailable: somebody else
  /// holds it.
  static Result<std::unique_ptr<SqliteDatabase>> Open(const SqliteDatabaseOptions& options,
                                                      const std::vector<Migration>& migrations,
                                                      int64_t now_unix_ms);

  int schema_version() const { return schema_version_; }

  /// Whether all of it was searched for damage when it was opened: a large file is not, unless its
  /// schema is brought up to date.
  bool is_checked() const { return is_checked_; }

  /// From now on, Write() fails with kDataLoss and this message.
  void Freeze(const std::string& because) EXCLUDES(writer_mutex_);

  /// Runs `body(SQLite::Database&)` in a transaction of its own, one at a time. Commits when the
  /// Status or Result that it returns is ok; else nothing is changed.
  template <typename Body>
  auto Write(std::string_view action, Body body)
      -> decltype(body(std::declval<SQLite::Database&>())) {
    const auto arrived = std::chrono::steady_clock::now();
    bool is_refused = false;
    auto result = WriteAlone(action, [&](SQLite::Database& database) {
      auto done = body(database);
      is_refused = !StatusOf(done).ok();
      return done;
    });
    if (options_.on_write) {
      options_.on_write(std::chrono::steady_clock::now() - arrived,
                        is_refused ? Code::kAborted : StatusOf(result).code());
    }
    return result;
  }

  /// Runs `body(SQLite::Database&)` on one unchanging view of the data, beside other readers and
  /// the writer. At most twelve at a time: further ones wait. `body` must not read from this
  /// database by itself.
  template <typename Body>
  auto Read(std::string_view action, Body body)
      -> decltype(body(std::declval<SQLite::Database&>())) {
    if (is_in_memory_) return Write(action, std::move(body));
    auto read = Guard(action, [&]() -> decltype(body(std::declval<SQLite::Database&>())) {
      LentReader reader(*this);
      auto result = [&] {
        SQLite::Transaction view(reader.database());
        return body(reader.database());
      }();
      reader.Keep();
      return result;
    });
    if (!StatusOf(read).ok()) {
      const std::string damage = DamageBehind(StatusOf(read).code());
      if (!damage.empty()) return Status(Code::kDataLoss, damage);
    }
    return read;
  }

 private:
  explicit SqliteDatabase(const SqliteDatabaseOptions& options);
  Status Prepare(const std::vector<Migration>& migrations, int64_t now_unix_ms);
  void PrepareFrozen();
  // What to say of a read that failed with `code`: of a damaged database always the same, with what
  // to do. "" = what it says itself.
  std::string DamageBehind(Code code) EXCLUDES(writer_mutex_);
  template <typename Body>
  auto WriteAlone(std::string_view action, Body body)
      -> decltype(body(std::declval<SQLite::Database&>())) {
    const MutexLock lock(writer_mutex_);
    if (!frozen_because_.empty()) return Status(Code::kDataLoss, frozen_because_);
    SQLite::Database& database = *writer_;
    return Guard(action, [&]() -> decltype(body(database)) {
      SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
      auto result = body(database);
      if (!StatusOf(result).ok()) return result;
      FaultPoint("store.before_commit");
      transaction.commit();
      FaultPoint("store.after_commit");
      return result;
    });
  }
  // A connection that reads, for as long as this lives. One that failed is closed.
  class LentReader {
   public:
    explicit LentReader(SqliteDatabase& owner) : owner_(owner), reader_(owner.TakeReader()) {}
    ~LentReader() { owner_.ReturnReader(std::move(reader_), is_kept_); }
    LentReader(const LentReader&) = delete;
    LentReader& operator=(const LentReader&) = delete;

    SQLite::Database& database() { return *reader_; }
    void Keep() { is_kept_ = true; }

   private:
    SqliteDatabase& owner_;
    std::unique_ptr<SQLite::Database> reader_;
    bool is_kept_ = false;
  };

  std::unique_ptr<SQLite::Database> TakeReader() EXCLUDES(readers_mutex_);
  void ReturnReader(std::unique_ptr<SQLite::Database> reader, bool is_kept)
      EXCLUDES(readers_mutex_);
  void ForgetReader() EXCLUDES(readers_mutex_);

  // Constant after Open.
  const SqliteDatabaseOptions options_;
  const bool is_in_memory_;
  int schema_version_ = 0;
  bool is_checked_ = false;

  Mutex writer_mutex_;
  std::string frozen_because_ GUARDED_BY(writer_mutex_);
  std::unique_ptr<SQLite::Database> writer_ GUARDED_BY(writer_mutex_);

  Mutex readers_mutex_;
  ConditionVariable reader_returned_;
  size_t num_readers_ GUARDED_BY(readers_mutex_) = 0;  // idle ones among them
  std::vector<std::unique_ptr<SQLite::Database>> idle_readers_ GUARDED_BY(readers_mutex_);
};

}  // namespace distill::server
