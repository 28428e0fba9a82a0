#pragma once

#include <map>
#include <string>

#include "core/base/hashed_file.h"
#include "core/base/mutex.h"

namespace distill::server {

/// Remembers the SHA-256 of files that were hashed, by what changes with a file (FileStamp), so
/// that a download that is resumed, or the next one, does not hash it again. Keeps the newest
/// thousands. Thread-safe.
class VerifiedFiles {
 public:
  /// Returns the hash of the file with this stamp, or "".
  std::string Find(const FileStamp& stamp) const EXCLUDES(mutex_);

  void Add(const FileStamp& stamp, const std::string& sha256) EXCLUDES(mutex_);

 private:
  struct IsBefore {
    bool operator()(const FileStamp& left, const FileStamp& right) const;
  };

  struct Entry {
    std::string sha256;
    int64_t number = 0;  // in the order in which they were added
  };

  mutable Mutex mutex_;
  std::map<FileStamp, Entry, IsBefore> entries_ GUARDED_BY(mutex_);
  std::map<int64_t, FileStamp> by_age_ GUARDED_BY(mutex_);
  int64_t last_number_ GUARDED_BY(mutex_) = 0;
};

}  // namespace distill::server
