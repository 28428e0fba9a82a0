// A page token that is taken is the one that we would make.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/rpc/page_token.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string token(reinterpret_cast<const char*>(data), size);
  distill::server::JobListQuery query;
  query.owner = "ada";
  const auto id = distill::server::ReadPageToken(query, token);
  if (id.ok() && distill::server::MakePageToken(query, *id) != token) std::abort();
  return 0;
}
