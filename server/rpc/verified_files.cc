#include "server/rpc/verified_files.h"

#include <tuple>

namespace distill::server {
namespace {

constexpr size_t kMaxVerifiedFiles = 4096;

}  // namespace

bool VerifiedFiles::IsBefore::operator()(const FileStamp& left, const FileStamp& right) const {
  const auto fields = [](const FileStamp& stamp) {
    return std::tie(stamp.device, stamp.inode, stamp.size_bytes, stamp.modified_unix_ns,
                    stamp.changed_unix_ns);
  };
  return fields(left) < fields(right);
}

std::string VerifiedFiles::Find(const FileStamp& stamp) const {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(stamp);
  return found == entries_.end() ? "" : found->second.sha256;
}

void VerifiedFiles::Add(const FileStamp& stamp, const std::string& sha256) {
  const MutexLock lock(mutex_);
  if (!entries_.try_emplace(stamp, Entry{sha256, last_number_ + 1}).second) return;
  by_age_[++last_number_] = stamp;
  if (by_age_.size() <= kMaxVerifiedFiles) return;
  entries_.erase(by_age_.begin()->second);
  by_age_.erase(by_age_.begin());
}

}  // namespace distill::server
