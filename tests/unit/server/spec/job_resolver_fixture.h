#pragma once

#include <gmock/gmock.h>

#include <string>

#include "tests/unit/server/spec/spec_fixture.h"

namespace distill::server {

/// A violation of this field.
inline auto At(const std::string& field) {
  return ::testing::Field("field", &FieldViolation::field, field);
}

/// The same, whose remedy holds a text.
inline auto AtWith(const std::string& field, const std::string& remedy) {
  return ::testing::AllOf(
      At(field), ::testing::Field("remedy", &FieldViolation::remedy, ::testing::HasSubstr(remedy)));
}

class JobResolverFixture : public SpecFixture {
 protected:
  /// Returns what a right job was resolved to.
  v1::Job ResolvedOf(const v1::Job& job) {
    const Resolution resolution = Resolve({job});
    EXPECT_THAT(resolution.violations, ::testing::IsEmpty());
    return ResolvedRequest(resolution.specs.front()).value();
  }
};

}  // namespace distill::server
