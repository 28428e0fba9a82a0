#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "core/base/durable_file.h"
#include "core/checkpoint/tensor_file.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::core {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::distill::testing::TempDir;
using ::testing::AnyOf;
using ::testing::HasSubstr;

/// A file as the format's description has it: length, header, payload.
std::string MakeFile(const std::string& header, const std::string& payload) {
  const uint64_t length = header.size();
  std::string bytes(sizeof(length), '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes + header + payload;
}

TensorFile SampleFile() {
  TensorFile file;
  file.metadata = {{"classes", "cat\ndog"}, {"empty", ""}};
  file.tensors = {
      {"double", at::arange(6, at::kDouble).reshape({2, 3}) / 7, TensorKind::kWeight},
      {"transposed", at::arange(6, at::kFloat).reshape({2, 3}).t(), TensorKind::kWeight},
      {"half", at::tensor({1.5F, -2.0F}).to(at::kHalf), TensorKind::kWeight},
      {"bfloat16", at::tensor({1.5F, -2.0F}).to(at::kBFloat16), TensorKind::kWeight},
      {"long", at::tensor(int64_t{-7}), TensorKind::kBuffer},
      {"flags", at::tensor({1, 0, 1}).to(at::kBool), TensorKind::kBuffer},
      {"none", at::zeros({0, 3}), TensorKind::kBuffer},
      {"bytes \"quoted\" \n \xc3\xa4", at::tensor({1, 2, 255}).to(at::kByte), TensorKind::kBuffer},
  };
  return file;
}

TEST(SafetensorsTest, WhatIsWrittenIsReadBackInOrderBitForBit) {
  const TempDir dir;
  const auto path = dir.path() / "weights.safetensors";
  const TensorFile written = SampleFile();
  ASSERT_OK(WriteSafetensors(path, written));

  const auto read = ReadTensorFile(path);

  ASSERT_OK(read);
  EXPECT_EQ(read->metadata, written.metadata);
  ASSERT_EQ(read->tensors.size(), written.tensors.size());
  for (size_t index = 0; index < written.tensors.size(); ++index) {
    const at::Tensor& expected = written.tensors[index].tensor;
    EXPECT_EQ(read->tensors[index].name, written.tensors[index].name);
    EXPECT_EQ(read->tensors[index].tensor.scalar_type(), expected.scalar_type());
    EXPECT_EQ(read->tensors[index].tensor.sizes(), expected.sizes());
    EXPECT_TRUE(at::equal(read->tensors[index].tensor, expected)) << written.tensors[index].name;
  }
}

TEST(SafetensorsTest, WritesTheLayoutThatTheFormatPrescribes) {
  const TempDir dir;
  const auto path = dir.path() / "weights.safetensors";
  TensorFile file;
  file.tensors = {{"a", at::tensor({1.0F, 2.0F}), TensorKind::kWeight}};
  ASSERT_OK(WriteSafetensors(path, file));

  const std::string bytes = ReadFile(path).value();

  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  EXPECT_EQ(length % 8, 0U);
  EXPECT_EQ(bytes.size(), 8 + length + 8);
  EXPECT_THAT(bytes, HasSubstr(R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})"));
  EXPECT_THAT(bytes, HasSubstr("payload_crc32c"));
}

TEST(SafetensorsTest, KeepsInfinitiesAndNan) {
  const TempDir dir;
  const auto path = dir.path() / "weights.safetensors";
  TensorFile file;
  file.tensors = {{"a", at::tensor({INFINITY, -INFINITY, NAN}), TensorKind::kWeight}};
  ASSERT_OK(WriteSafetensors(path, file));

  const at::Tensor read = ReadTensorFile(path).value().tensors[0].tensor;

  EXPECT_EQ(read[0].item<float>(), INFINITY);
  EXPECT_EQ(read[1].item<float>(), -INFINITY);
  EXPECT_TRUE(std::isnan(read[2].item<float>()));
}

TEST(SafetensorsTest, ReadsAForeignFileInOrderOfItsData) {
  const auto file = ParseTensorFile(MakeFile(
      R"({"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
      R"("a":{"dtype":"I16","shape":[1,1],"data_offsets":[2,4]},"__metadata__":{"format":"pt"}}   )",
      std::string("\x05\x06\x01\x02", 4)));

  ASSERT_OK(file);
  EXPECT_EQ(file->tensors[0].name, "b");
  EXPECT_EQ(file->tensors[1].tensor.item<int16_t>(), 0x0201);
  EXPECT_EQ(file->metadata.at("format"), "pt");
}

TEST(SafetensorsTest, BoolsOfOtherBytesThanOneAreTrue) {
  const auto file =
      ParseTensorFile(MakeFile(R"({"a":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}})",
                               std::string("\x00\x02\xff", 3)));
  ASSERT_OK(file);
  EXPECT_TRUE(at::equal(file->tensors[0].tensor, at::tensor({0, 1, 1}).to(at::kBool)));
}

TEST(SafetensorsTest, BrokenHeadersAreRefusedWithTheFault) {
  const std::string payload(8, 'x');
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
       R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "occurs twice"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
       R"("b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})",
       "overlaps"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "hole"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "bytes follow"},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", "do not fit its shape"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", "do not fit its shape"},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "no whole number"},
      {R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", "no whole number"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904],)"
       R"("data_offsets":[0,8]}})",
       "too large"},
      {R"({"a":{"dtype":"F32","shape":[0,9223372036854775807,9],"data_offsets":[0,0]}})",
       "too large"},
      {R"({"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}})", "convert it to F32"},
      {R"({"a":{"dtype":"F32","shape":[2]}})", "other fields"},
      {R"({"a":{"dtype":4,"shape":[2],"data_offsets":[0,8]}})", "wrong kind"},
      {R"({"a":[1,2]})", "no object"},
      {R"({"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", "nests too deeply"},
      {R"({"__metadata__":{"x":1}})", "no text"},
      {"{", "not a JSON object"},
  };
  for (const auto& [header, word] : cases) {
    EXPECT_THAT(ParseTensorFile(MakeFile(header, payload)),
                StatusIs(Code::kInvalidArgument, HasSubstr(word)))
        << header;
  }
}

TEST(SafetensorsTest, DeeplyNestedHeaderTakesNoStack) {
  constexpr size_t kDepth = 1'000'000;
  EXPECT_THAT(ParseTensorFile(MakeFile("{\"a\":" + std::string(kDepth, '['), "")),
              HasCode(Code::kInvalidArgument));
}

TEST(SafetensorsTest, HeaderOverItsLimitIsRefusedBeforeItIsRead) {
  std::string bytes = MakeFile("{}", "");
  const uint64_t length = 100'000'001;
  std::memcpy(bytes.data(), &length, sizeof(length));
  EXPECT_THAT(ParseTensorFile(bytes), HasCode(Code::kInvalidArgument));
}

TEST(SafetensorsTest, AFileCutAtAnyByteIsAnError) {
  const TempDir dir;
  const auto path = dir.path() / "weights.safetensors";
  ASSERT_OK(WriteSafetensors(path, SampleFile()));
  const std::string whole = ReadFile(path).value();

  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THAT(ParseTensorFile(whole.substr(0, length)).status().code(),
                AnyOf(Code::kDataLoss, Code::kInvalidArgument));
  }
}

TEST(SafetensorsTest, AnyFlippedBitOfAFileOfOursIsFound) {
  const TempDir dir;
  const auto path = dir.path() / "weights.safetensors";
  ASSERT_OK(WriteSafetensors(path, SampleFile()));
  const std::string whole = ReadFile(path).value();
  const size_t padding = whole.find_last_of('}') + 1;  // there one blank is as good as another

  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    if (bit / 8 >= padding && std::isspace(damaged[bit / 8]) != 0) continue;
    EXPECT_FALSE(ParseTensorFile(damaged).ok()) << "bit " << bit % 8 << " of byte " << bit / 8;
  }
}

TEST(SafetensorsTest, NamesThatCannotBeStoredAreRefused) {
  const TempDir dir;
  const auto path = dir.path() / "weights.safetensors";
  for (const char* name : {"__metadata__", "\xff\xfe"}) {
    TensorFile file;
    file.tensors = {{name, at::zeros({1}), TensorKind::kWeight}};
    EXPECT_THAT(WriteSafetensors(path, file), HasCode(Code::kInvalidArgument));
  }
  TensorFile twice;
  twice.tensors = {{"a", at::zeros({1}), TensorKind::kWeight}, {"a", at::zeros({1}), {}}};
  EXPECT_THAT(WriteSafetensors(path, twice), HasCode(Code::kInvalidArgument));
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace distill::core
