#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/base/mutex.h"

namespace SQLite {
class Database;
}

namespace distill::server {

/// Searches databases for damage, one after the other, while they are in use: those that were too
/// large for it when they were opened. Owned by one thread.
class BackgroundCheck {
 public:
  /// Called from this object's thread.
  using OnDamage = std::function<void(const std::filesystem::path& database, const std::string&)>;

  BackgroundCheck(std::vector<std::filesystem::path> databases, OnDamage on_damage);
  /// Breaks off what is under way.
  ~BackgroundCheck();
  BackgroundCheck(const BackgroundCheck&) = delete;
  BackgroundCheck& operator=(const BackgroundCheck&) = delete;

 private:
  void Check(const std::filesystem::path& path) EXCLUDES(mutex_);
  bool IsStopping() EXCLUDES(mutex_);

  const OnDamage on_damage_;
  Mutex mutex_;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  std::unique_ptr<SQLite::Database> open_ GUARDED_BY(mutex_);  // the thread's, to be interrupted
  std::thread thread_;
};

}  // namespace distill::server
