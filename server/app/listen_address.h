#pragma once

#include <string>

#include "core/base/status.h"

namespace distill::server {

struct ListenAddress {
  std::string host;  // IPv6 in brackets
  int port = 0;
  bool is_loopback = false;
};

/// Parses "host:port". kInvalidArgument: no such form.
Result<ListenAddress> ParseListenAddress(const std::string& text);

}  // namespace distill::server
