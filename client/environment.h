#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <istream>
#include <ostream>
#include <string>

#include "client/cancellation.h"

namespace distill::client {

/// What a command sees of the world. The streams and `interrupt` must outlive it.
struct Environment {
  std::ostream& out;  // data
  std::ostream& err;  // everything else
  std::istream& in;
  Cancellation& interrupt;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  size_t terminal_width = 80;
  std::function<std::string(const char* name)> variable{};  // "" when it is not set
  /// Asks the user at the terminal for what must not be seen; empty where `in` is no terminal.
  std::function<std::string(const std::string& prompt)> ask_secret{};
  std::function<int64_t()> now_unix_ms{};
  std::chrono::milliseconds poll_interval{500};  // of a data set that is scanned
  std::chrono::milliseconds first_backoff{100};  // see JobClientOptions
};

}  // namespace distill::client
