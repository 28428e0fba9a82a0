#include "server/rpc/page_token.h"

#include <charconv>

#include "core/base/sha256.h"

namespace distill::server {
namespace {

constexpr size_t kSealDigits = 16;

// A seal over the filters and the id: a token fits no other list.
std::string Seal(const JobListQuery& query, const std::string& id) {
  std::string text = id + '\n' + query.owner + '\n' + query.name_prefix + '\n' + query.group;
  for (const JobState state : query.states) text += '\n' + std::to_string(static_cast<int>(state));
  return Sha256Hex(text).substr(0, kSealDigits);
}

}  // namespace

std::string MakePageToken(const JobListQuery& query, JobId last_id) {
  const std::string id = std::to_string(last_id);
  return Seal(query, id) + id;
}

Result<JobId> ReadPageToken(const JobListQuery& query, const std::string& token) {
  const Status wrong(Code::kInvalidArgument,
                     "page_token must come from the page before, with the same filters");
  if (token.size() <= kSealDigits) return wrong;
  const std::string id = token.substr(kSealDigits);
  JobId last_id = 0;
  const auto parsed = std::from_chars(id.data(), id.data() + id.size(), last_id);
  if (parsed.ec != std::errc() || token != MakePageToken(query, last_id)) return wrong;
  return last_id;
}

}  // namespace distill::server
