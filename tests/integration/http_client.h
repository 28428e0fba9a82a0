#pragma once

#include <string>

#include "core/base/durable_file.h"

namespace distill::testing {

/// What an HTTP server answered.
struct HttpAnswer {
  int status = 0;  // 0: no answer
  std::string body;
};

/// Returns a connection to 127.0.0.1:`port`; none where nobody listens.
FileDescriptor ConnectTo(int port);

/// Fetches `path` from 127.0.0.1:`port` and reads to the end. Blocks.
HttpAnswer HttpGet(int port, const std::string& path);

}  // namespace distill::testing
