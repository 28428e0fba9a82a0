#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace distill {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// One `key=value` of a log line. Values with blanks or quotes are quoted when printed.
struct LogField {
  LogField(std::string_view field_key, std::string_view field_value)
      : key(field_key), value(field_value) {}
  LogField(std::string_view field_key, const char* field_value)
      : key(field_key), value(field_value) {}
  LogField(std::string_view field_key, const std::string& field_value)
      : key(field_key), value(field_value) {}
  LogField(std::string_view field_key, int64_t field_value)
      : key(field_key), value(std::to_string(field_value)) {}
  LogField(std::string_view field_key, int field_value)
      : key(field_key), value(std::to_string(field_value)) {}
  LogField(std::string_view field_key, double field_value)
      : key(field_key), value(std::to_string(field_value)) {}

  std::string_view key;
  std::string value;
};

struct LogOptions {
  LogLevel min_level = LogLevel::kInfo;
  /// Appended to this file, or to standard error where empty.
  std::string file;
};

/// Sets up the process's log. Call once, first thing in main. kUnavailable: `file` cannot be
/// opened.
Status StartLog(const LogOptions& options);

/// Writes one line: time, level, `event`, then the fields as key=value. Thread-safe.
/// `event` is constant words ("job started"); what varies goes into fields.
void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

inline void LogDebug(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kDebug, event, fields);
}
inline void LogInfo(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kInfo, event, fields);
}
inline void LogWarning(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kWarning, event, fields);
}
inline void LogError(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kError, event, fields);
}

/// Parses "debug", "info", "warning" or "error". kInvalidArgument for anything else.
Result<LogLevel> ParseLogLevel(std::string_view text);

}  // namespace distill
