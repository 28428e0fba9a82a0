#include "core/base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace distill {
namespace {

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

void AppendValue(std::string& line, const std::string& value) {
  const bool is_plain = !value.empty() && value.find_first_of(" \"=\n\r\t\\") == std::string::npos;
  if (is_plain) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value) {
    if (c == '\n') {
      line += "\\n";
    } else if (c == '\r') {
      line += "\\r";
    } else {
      if (c == '"' || c == '\\') line += '\\';
      line += c;
    }
  }
  line += '"';
}

}  // namespace

Status StartLog(const LogOptions& options) {
  try {
    std::shared_ptr<spdlog::logger> logger;
    if (options.file.empty()) {
      logger = std::make_shared<spdlog::logger>("distill",
                                                std::make_shared<spdlog::sinks::stderr_sink_mt>());
    } else {
      logger = std::make_shared<spdlog::logger>(
          "distill", std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file));
    }
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    logger->set_level(SpdlogLevel(options.min_level));
    logger->flush_on(spdlog::level::debug);
    spdlog::set_default_logger(std::move(logger));
  } catch (const spdlog::spdlog_ex& error) {
    return {Code::kUnavailable, std::string("open log: ") + error.what()};
  }
  return Status::Ok();
}

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  const spdlog::level::level_enum spdlog_level = SpdlogLevel(level);
  if (!spdlog::should_log(spdlog_level)) return;
  std::string line(event);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    AppendValue(line, field.value);
  }
  spdlog::default_logger_raw()->log(spdlog_level, "{}", line);
}

Result<LogLevel> ParseLogLevel(std::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "info") return LogLevel::kInfo;
  if (text == "warning") return LogLevel::kWarning;
  if (text == "error") return LogLevel::kError;
  return Status(Code::kInvalidArgument,
                "log level must be debug, info, warning or error, not: " + std::string(text));
}

}  // namespace distill
