#include "core/base/status.h"

#include <array>
#include <cerrno>
#include <system_error>

namespace distill {

std::string_view CodeName(Code code) {
  static constexpr std::array<std::string_view, 17> kNames = {"OK",
                                                              "CANCELLED",
                                                              "UNKNOWN",
                                                              "INVALID_ARGUMENT",
                                                              "DEADLINE_EXCEEDED",
                                                              "NOT_FOUND",
                                                              "ALREADY_EXISTS",
                                                              "PERMISSION_DENIED",
                                                              "RESOURCE_EXHAUSTED",
                                                              "FAILED_PRECONDITION",
                                                              "ABORTED",
                                                              "OUT_OF_RANGE",
                                                              "UNIMPLEMENTED",
                                                              "INTERNAL",
                                                              "UNAVAILABLE",
                                                              "DATA_LOSS",
                                                              "UNAUTHENTICATED"};
  const auto index = static_cast<size_t>(code);
  return index < kNames.size() ? kNames[index] : "UNKNOWN";
}

Status Status::WithContext(std::string_view context) const {
  if (ok()) return *this;
  return {code_, std::string(context) + ": " + message_};
}

std::string Status::ToString() const {
  if (ok()) return "OK";
  return std::string(CodeName(code_)) + ": " + message_;
}

bool operator==(const Status& left, const Status& right) {
  return left.code() == right.code() && left.message() == right.message();
}

std::ostream& operator<<(std::ostream& stream, const Status& status) {
  return stream << status.ToString();
}

Status ErrnoStatus(std::string_view action, int error_number) {
  Code code = Code::kUnavailable;
  if (error_number == ENOSPC || error_number == EDQUOT) code = Code::kResourceExhausted;
  if (error_number == ENOENT) code = Code::kNotFound;
  if (error_number == EACCES || error_number == EPERM) code = Code::kPermissionDenied;
  return {code, std::string(action) + ": " + std::generic_category().message(error_number)};
}

}  // namespace distill
