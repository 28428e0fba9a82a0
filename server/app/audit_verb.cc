#include "server/app/audit_verb.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <ctime>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "server/app/state_owner.h"
#include "server/app/utc_time.h"
#include "server/store/sqlite_access_store.h"

namespace distill::server {
namespace {

constexpr int kUsualLines = 100;
constexpr int kMaxLines = 1'000'000;

struct AuditOptions {
  std::string since;
  int limit = kUsualLines;
};

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

// One line a record, columns split by tabs: what a client wrote holds none (see CallAccess).
void Print(const AuditRecord& record) {
  std::cout << UtcTime(record.at_unix_ms) << '\t' << OrDash(record.user) << '\t' << record.method
            << '\t' << OrDash(record.target) << '\t' << record.outcome << '\t'
            << OrDash(record.peer) << '\t' << record.message << '\n';
}

Status Run(const Config& config, const AuditOptions& options) {
  AuditQuery query;
  query.limit = options.limit;
  if (!options.since.empty()) {
    DISTILL_ASSIGN_OR_RETURN(query.since_unix_ms,
                             ParseSince(options.since, SystemClock().UnixMillis()));
  }
  DISTILL_RETURN_IF_ERROR(BecomeOwnerOf(config.state_dir));
  DISTILL_ASSIGN_OR_RETURN(const auto store,
                           OpenSqliteAccessStore(config.state_dir, SystemClock()));
  DISTILL_ASSIGN_OR_RETURN(const auto records, store->ListAudit(query));
  for (const AuditRecord& record : records) Print(record);
  return {};
}

}  // namespace

Result<int64_t> ParseSince(const std::string& text, int64_t now_unix_ms) {
  static const std::map<std::string, int64_t> units = {
      {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  const auto unit = units.find(std::string(rest, end));
  constexpr int64_t kMaxCount = 100'000'000;
  if (error == std::errc() && unit != units.end() && count >= 0 && count <= kMaxCount) {
    return now_unix_ms - count * unit->second;
  }
  for (const char* form : {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"}) {
    std::tm parts{};
    const char* read = ::strptime(text.c_str(), form, &parts);
    if (read != nullptr && *read == '\0') return static_cast<int64_t>(::timegm(&parts)) * 1000;
  }
  return Status(Code::kInvalidArgument,
                "--since takes a length of time (90m, 36h, 7d) or a point of time in UTC "
                "(2026-11-26, 2026-11-26T14:00:00Z), not: " +
                    text);
}

AdminVerb AuditVerb() {
  return {"audit", "print what was done and refused: time, user, method, target, outcome, peer",
          [](CLI::App& parser) -> AdminVerb::Run {
            const auto options = std::make_shared<AuditOptions>();
            parser
                .add_option("--since", options->since,
                            "how far back (90m, 36h, 7d), or from when (2026-11-26)")
                ->type_name("TIME");
            parser.add_option("-n,--lines", options->limit, "the newest so many")
                ->check(CLI::Range(1, kMaxLines))
                ->capture_default_str();
            return [options](const Config& config) {
              const Status status = Run(config, *options);
              if (status.ok()) return 0;
              std::cerr << "distilld: audit: " << status.message() << '\n';
              return status.code() == Code::kInvalidArgument ? 2 : 1;
            };
          }};
}

}  // namespace distill::server
