#pragma once

#include <cassert>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace distill {

/// What kind of failure. The numbers equal gRPC's status codes.
enum class Code : int {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

/// Returns the name of `code` in the wire's spelling, e.g. "NOT_FOUND".
std::string_view CodeName(Code code);

/// The outcome of an operation: success, or a code and a message for a human.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}
  static Status Ok() { return {}; }

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }

  /// Returns this status with `context` put before the message. No effect on success.
  Status WithContext(std::string_view context) const;

  /// Returns "OK" or "CODE: message", for logs and test output.
  std::string ToString() const;

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

bool operator==(const Status& left, const Status& right);
std::ostream& operator<<(std::ostream& stream, const Status& status);

/// Returns the status for a failed system call: `action`, then the text of `error_number`.
/// ENOSPC and EDQUOT are kResourceExhausted, ENOENT kNotFound, EACCES and EPERM
/// kPermissionDenied, all others kUnavailable.
Status ErrnoStatus(std::string_view action, int error_number);

/// A value, or the Status that explains its absence. REQUIRES of value(): ok().
template <typename T>
class [[nodiscard]] Result {
 public:
  // NOLINTBEGIN(google-explicit-constructor): a function returns its value or its status as it is.
  Result(T value) : content_(std::in_place_index<1>, std::move(value)) {}
  Result(Status status) : content_(std::in_place_index<0>, std::move(status)) {
    assert(!std::get<0>(content_).ok());
  }
  // NOLINTEND(google-explicit-constructor)

  bool ok() const { return content_.index() == 1; }
  /// Returns the failure, or an ok status.
  Status status() const { return ok() ? Status() : std::get<0>(content_); }
  const T& value() const& {
    assert(ok());
    return std::get<1>(content_);
  }
  T& value() & {
    assert(ok());
    return std::get<1>(content_);
  }
  T&& value() && {
    assert(ok());
    return std::get<1>(std::move(content_));
  }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

 private:
  std::variant<Status, T> content_;
};

}  // namespace distill

/// Returns from the calling function with the status of `expr` when it failed.
#define DISTILL_RETURN_IF_ERROR(expr)                                                        \
  do {                                                                                       \
    if (::distill::Status status_or_ok_ = (expr); !status_or_ok_.ok()) return status_or_ok_; \
  } while (false)

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration cannot stand in parentheses.
#define DISTILL_CONCAT_INNER(a, b) a##b
#define DISTILL_CONCAT(a, b) DISTILL_CONCAT_INNER(a, b)
#define DISTILL_ASSIGN_OR_RETURN_IMPL(result, declaration, expr) \
  auto result = (expr);                                          \
  if (!result.ok()) return result.status();                      \
  declaration = std::move(result).value()

/// Assigns the value of a Result to `declaration`, or returns its status:
/// `DISTILL_ASSIGN_OR_RETURN(auto store, SqliteJobStore::Open(path));`
#define DISTILL_ASSIGN_OR_RETURN(declaration, expr) \
  DISTILL_ASSIGN_OR_RETURN_IMPL(DISTILL_CONCAT(result_, __LINE__), declaration, expr)
// NOLINTEND(bugprone-macro-parentheses)
