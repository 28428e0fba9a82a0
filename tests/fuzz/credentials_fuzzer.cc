// Only the one stored token is let in, after the scheme "Bearer" in any case.
#include <strings.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/access/access_gate.h"
#include "server/access/token.h"
#include "tests/fakes/fake_access_store.h"
#include "tests/fakes/fake_clock.h"

namespace {

const std::string& Token() {
  static const std::string token = "dst_" + std::string(64, 'a');
  return token;
}

distill::server::AccessStore& Store() {
  static distill::testing::FakeAccessStore* const store = [] {
    auto* made = new distill::testing::FakeAccessStore;  // as long as the program
    distill::server::UserRecord user;
    user.name = "ada";
    distill::server::TokenRecord record;
    record.user = user.name;
    record.sha256 = distill::server::HashOfToken(Token());
    if (!made->AddUser(user, record, {}).ok()) std::abort();
    return made;
  }();
  return *store;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const distill::testing::FakeClock clock;
  const distill::server::AccessGate gate({}, Store(), clock);
  distill::server::Credentials credentials;
  credentials.authorization = text;
  credentials.claimed_name = "mallory";
  const auto caller = gate.Identify(credentials);
  const std::string right = "bearer " + Token();
  const bool is_right = text.size() == right.size() &&
                        ::strncasecmp(text.c_str(), right.c_str(), 7) == 0 &&
                        text.compare(7, std::string::npos, Token()) == 0;
  if (caller.ok() != is_right) std::abort();
  if (caller.ok() && caller->name != "ada") std::abort();
  return 0;
}
