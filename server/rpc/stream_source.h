#pragma once

#include <chrono>
#include <optional>

#include "core/base/status.h"

namespace distill::server {

/// What a stream does next.
struct StreamStep {
  enum class Kind { kSend, kWait, kEnd };

  /// Sends the message that Next() filled in.
  static StreamStep Send() { return {Kind::kSend, {}, {}}; }
  /// Asks again after `delay`, or when something changed.
  static StreamStep Wait(std::chrono::milliseconds delay) { return {Kind::kWait, delay, {}}; }
  /// Ends the stream.
  static StreamStep End(Status status = {}) { return {Kind::kEnd, {}, std::move(status)}; }

  Kind kind = Kind::kEnd;
  std::chrono::milliseconds delay{0};
  Status status;
};

/// Makes the messages of one stream, one after the other. Called from threads that may block, one
/// call at a time.
template <typename Message>
class StreamSource {
 public:
  virtual ~StreamSource() = default;

  /// Fills `message` in (it is empty) when it returns Send().
  virtual StreamStep Next(Message& message) = 0;
};

}  // namespace distill::server
