#include "server/store/background_check.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <pthread.h>
#include <sqlite3.h>

#include <utility>

#include "core/base/log.h"
#include "server/store/database_check.h"
#include "server/store/database_files.h"
#include "server/store/sqlite_database.h"

namespace distill::server {
namespace {}  // namespace

BackgroundCheck::BackgroundCheck(std::vector<std::filesystem::path> databases, OnDamage on_damage)
    : on_damage_(std::move(on_damage)) {
  if (databases.empty()) return;
  thread_ = std::thread([this, databases = std::move(databases)] {
    ::pthread_setname_np(::pthread_self(), "database-check");
    for (const std::filesystem::path& path : databases) {
      if (!IsStopping()) Check(path);
    }
  });
}

BackgroundCheck::~BackgroundCheck() {
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
    if (open_) ::sqlite3_interrupt(open_->getHandle());
  }
  if (thread_.joinable()) thread_.join();
}

bool BackgroundCheck::IsStopping() {
  const MutexLock lock(mutex_);
  return is_stopping_;
}

void BackgroundCheck::Check(const std::filesystem::path& path) {
  std::string damage;
  const Status status = Guard("search for damage", [&]() -> Status {
    SQLite::Database* database = nullptr;
    {
      const MutexLock lock(mutex_);
      open_ = std::make_unique<SQLite::Database>(path.string(), SQLite::OPEN_READONLY,
                                                 kReaderBusyTimeoutMs);
      database = open_.get();
    }
    damage = FindDamage(*database);
    return Status::Ok();
  });
  {
    const MutexLock lock(mutex_);
    open_.reset();
    if (is_stopping_) return;
  }
  if (status.code() == Code::kDataLoss) damage = status.message();
  if (!damage.empty()) {
    on_damage_(path, damage);
  } else if (status.ok()) {
    LogInfo("database searched, no damage", {{"path", path.string()}});
  } else {
    LogWarning("database not searched", {{"path", path.string()}, {"error", status.ToString()}});
  }
}

}  // namespace distill::server
