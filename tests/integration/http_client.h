#pragma once

#include <string>

namespace distill::testing {

/// What an HTTP server answered.
struct HttpAnswer {
  int status = 0;  // 0: no answer
  std::string body;
};

/// Fetches `path` from 127.0.0.1:`port` and reads to the end. Blocks.
HttpAnswer HttpGet(int port, const std::string& path);

}  // namespace distill::testing
