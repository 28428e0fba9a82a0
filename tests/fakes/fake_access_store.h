#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/mutex.h"
#include "server/access/access_store.h"

namespace distill::testing {

/// Users and the audit trail in memory. Thread-safe.
class FakeAccessStore final : public server::AccessStore {
 public:
  Result<int64_t> AddUser(const server::UserRecord& user, const server::TokenRecord& token,
                          const server::AuditRecord& note) override {
    {
      const MutexLock lock(mutex_);
      roles_[user.name] = user.role;
    }
    return AddToken(token, note);
  }
  Result<int64_t> AddToken(const server::TokenRecord& token, const server::AuditRecord&) override {
    const MutexLock lock(mutex_);
    tokens_[token.sha256] = token;
    tokens_[token.sha256].id = static_cast<int64_t>(tokens_.size());
    return tokens_[token.sha256].id;
  }
  Status RemoveUser(const std::string& name, const server::AuditRecord&) override {
    const MutexLock lock(mutex_);
    roles_.erase(name);
    std::erase_if(tokens_, [&](const auto& entry) { return entry.second.user == name; });
    return {};
  }
  Status SetRole(const std::string& name, server::Role role, const server::AuditRecord&) override {
    const MutexLock lock(mutex_);
    roles_.at(name) = role;
    return {};
  }
  Result<int> RevokeTokens(const std::string& user, int64_t,
                           const server::AuditRecord& note) override {
    const MutexLock lock(mutex_);
    int count = 0;
    for (auto& [hash, token] : tokens_) {
      if (token.user != user) continue;
      token.revoked_at_unix_ms = note.at_unix_ms;
      ++count;
    }
    return count;
  }
  Result<std::vector<server::UserWithTokens>> ListUsers() override {
    return std::vector<server::UserWithTokens>();
  }
  Result<server::TokenLookup> LookUpToken(const std::string& sha256) override {
    const MutexLock lock(mutex_);
    server::TokenLookup lookup;
    lookup.has_users = !roles_.empty();
    const auto found = tokens_.find(sha256);
    if (found == tokens_.end()) return lookup;
    lookup.token = found->second;
    lookup.role = roles_.at(found->second.user);
    return lookup;
  }
  Result<bool> HasValidToken(int64_t) override { return false; }

  Status AddAudit(const std::vector<server::AuditRecord>& records) override {
    const MutexLock lock(mutex_);
    if (!audit_failure_.ok()) return audit_failure_;
    audit_.insert(audit_.end(), records.begin(), records.end());
    return {};
  }
  Result<std::vector<server::AuditRecord>> ListAudit(const server::AuditQuery&) override {
    const MutexLock lock(mutex_);
    return audit_;
  }
  Status PruneAudit(int64_t before_unix_ms, int64_t) override {
    const MutexLock lock(mutex_);
    pruned_before_ = before_unix_ms;
    return {};
  }

  void FailAudit(const Status& failure) {
    const MutexLock lock(mutex_);
    audit_failure_ = failure;
  }
  std::vector<server::AuditRecord> audit() { return ListAudit({}).value(); }
  int64_t pruned_before() {
    const MutexLock lock(mutex_);
    return pruned_before_;
  }

 private:
  Mutex mutex_;
  std::map<std::string, server::Role> roles_ GUARDED_BY(mutex_);
  std::map<std::string, server::TokenRecord> tokens_ GUARDED_BY(mutex_);  // by hash
  std::vector<server::AuditRecord> audit_ GUARDED_BY(mutex_);
  Status audit_failure_ GUARDED_BY(mutex_);
  int64_t pruned_before_ GUARDED_BY(mutex_) = 0;
};

}  // namespace distill::testing
