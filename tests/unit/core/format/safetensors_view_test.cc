// What the reader refuses is in tests/unit/core/checkpoint/safetensors_test.cc.
#include "core/format/safetensors_view.h"

#include <gmock/gmock.h>

#include "tests/matchers/status_matchers.h"

namespace distill::core {
namespace {

using ::distill::testing::StatusIs;
using ::testing::HasSubstr;

TEST(SafetensorsViewTest, WhatIsWrittenIsReadBack) {
  const std::string data("\1\2\3\4\5\6\7\10", 8);
  SafetensorsView view;
  view.metadata = {{"job", "7"}};
  view.tensors = {{"b", "F32", {1, 2}, data}, {"a", "I64", {}, data}};
  const auto start = SafetensorsStart(view);
  ASSERT_OK(start);

  const std::string file = *start + data + data;
  const auto read = ViewSafetensors(file);

  ASSERT_OK(read);
  EXPECT_EQ(read->metadata, view.metadata);
  ASSERT_EQ(read->tensors.size(), 2U);
  EXPECT_EQ(read->tensors[0].name, "b");  // the order of the file
  EXPECT_EQ(read->tensors[0].shape, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(read->tensors[1].dtype, "I64");
  EXPECT_EQ(read->tensors[1].data, data);
}

TEST(SafetensorsViewTest, WhatCouldNotBeReadBackIsNotWritten) {
  SafetensorsView twice;
  twice.tensors = {{"a", "U8", {0}, ""}, {"a", "U8", {0}, ""}};
  EXPECT_THAT(SafetensorsStart(twice).status(), StatusIs(Code::kInvalidArgument, HasSubstr("a")));
  SafetensorsView odd;
  odd.tensors = {{"a", "F8", {0}, ""}};
  EXPECT_THAT(SafetensorsStart(odd).status(), StatusIs(Code::kInvalidArgument, HasSubstr("dtype")));
  SafetensorsView latin;
  latin.metadata = {{"name", "r\xe4ven"}};
  EXPECT_THAT(SafetensorsStart(latin).status(),
              StatusIs(Code::kInvalidArgument, HasSubstr("UTF-8")));
}

}  // namespace
}  // namespace distill::core
