#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace distill::server {

/// A stretch of time that a job of `owner` held a device.
struct DeviceUsage {
  std::string owner;
  std::string device;
  int64_t started_at_unix_ms = 0;
  int64_t finished_at_unix_ms = 0;
};

/// Returns the device-seconds of a stretch of time as they count at `now_unix_ms`: each second
/// counts half as much one `half_life` later. What lies after `now_unix_ms` does not count.
double DecayedSeconds(int64_t from_unix_ms, int64_t to_unix_ms, int64_t now_unix_ms,
                      std::chrono::milliseconds half_life);

/// How much of the devices each user had, and until when. Thread-compatible.
class UsageHistory {
 public:
  /// `half_life` is positive.
  explicit UsageHistory(std::chrono::milliseconds half_life) : half_life_(half_life) {}

  /// Takes in a stretch of use that has ended. Of one that ends after `now_unix_ms`, which a clock
  /// that was ahead leaves behind, what lies before counts.
  void Add(const DeviceUsage& usage, int64_t now_unix_ms);

  /// Returns when the newest stretch of `owner` ended (Unix milliseconds), which SecondsOf() counts
  /// its age from; 0 = there is none.
  int64_t NewestOf(const std::string& owner) const;

  /// Returns the decayed device-seconds of `owner`, of ended stretches only.
  double SecondsOf(const std::string& owner, int64_t now_unix_ms) const;

  /// Returns until when jobs of `owner` had each device (Unix milliseconds), of ended stretches
  /// only.
  std::map<std::string, int64_t> LastUses(const std::string& owner) const;

  std::chrono::milliseconds half_life() const { return half_life_; }

 private:
  struct User {
    double seconds = 0;  // as they count at `at_unix_ms`
    int64_t at_unix_ms = 0;
    std::map<std::string, int64_t> last_uses;
  };
  double Decayed(const User& user, int64_t now_unix_ms) const;

  const std::chrono::milliseconds half_life_;
  std::map<std::string, User> users_;
};

}  // namespace distill::server
