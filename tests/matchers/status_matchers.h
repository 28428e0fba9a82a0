#pragma once

#include <gmock/gmock.h>

#include <string>

#include "core/base/status.h"

namespace distill::testing {

inline Status StatusOf(const Status& status) { return status; }
template <typename T>
Status StatusOf(const Result<T>& result) {
  return result.status();
}

/// Matches an ok Status or Result: `EXPECT_THAT(store.Insert(job), IsOk())`.
MATCHER(IsOk, "is ok") {
  const Status status = StatusOf(arg);
  if (!status.ok()) *result_listener << status.ToString();
  return status.ok();
}

/// Matches a failure by its code.
MATCHER_P(HasCode, code, "has status code " + std::string(CodeName(code))) {
  const Status status = StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code;
}

/// Matches a failure by code and message: `StatusIs(Code::kNotFound, HasSubstr("no job"))`.
MATCHER_P2(StatusIs, code, message_matcher,
           "has status code " + std::string(CodeName(code)) + " and a matching message") {
  const Status status = StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code &&
         ::testing::ExplainMatchResult(message_matcher, status.message(), result_listener);
}

}  // namespace distill::testing

/// Fails the test at once unless `expression` is ok.
#define ASSERT_OK(expression) ASSERT_THAT((expression), ::distill::testing::IsOk())
#define EXPECT_OK(expression) EXPECT_THAT((expression), ::distill::testing::IsOk())
