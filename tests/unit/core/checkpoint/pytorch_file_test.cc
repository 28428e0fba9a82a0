// The fixtures and their values: tests/oracle/checkpoint/make_fixtures.py, written by PyTorch
// itself.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "core/base/durable_file.h"
#include "core/checkpoint/tensor_file.h"
#include "tests/matchers/status_matchers.h"

namespace distill::core {
namespace {

using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

std::filesystem::path Fixture(const std::string& name) {
  return std::filesystem::path(DISTILL_CHECKPOINT_FIXTURES) / name;
}

/// The values of every fixture: element i is (i * 7 + 3) % 11 - 5.
at::Tensor Pattern(at::IntArrayRef shape, at::ScalarType dtype = at::kFloat) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  at::Tensor values = (at::arange(count, at::kLong) * 7 + 3).remainder(11) - 5;
  if (dtype == at::kByte) values = values.abs();
  if (dtype == at::kBool) values = values > 0;
  return values.reshape(shape).to(dtype);
}

std::map<std::string, at::Tensor> TableOf(const TensorFile& file) {
  std::map<std::string, at::Tensor> table;
  for (const NamedTensor& named : file.tensors) table[named.name] = named.tensor;
  return table;
}

bool SameBits(const at::Tensor& left, const at::Tensor& right) {
  return left.scalar_type() == right.scalar_type() && left.sizes() == right.sizes() &&
         left.is_contiguous() && at::equal(left, right);
}

class PytorchFileTest : public ::testing::TestWithParam<const char*> {};

TEST_P(PytorchFileTest, ReadsEveryDtypeInFileOrder) {
  const auto file = ReadTensorFile(Fixture("dtypes." + std::string(GetParam()) + ".pth"));
  ASSERT_OK(file);

  const std::vector<std::pair<std::string, at::ScalarType>> expected = {
      {"float64", at::kDouble},    {"float32", at::kFloat}, {"float16", at::kHalf},
      {"bfloat16", at::kBFloat16}, {"int64", at::kLong},    {"int32", at::kInt},
      {"int16", at::kShort},       {"int8", at::kChar},     {"uint8", at::kByte},
      {"bool", at::kBool}};
  ASSERT_EQ(file->tensors.size(), expected.size());
  for (size_t index = 0; index < expected.size(); ++index) {
    EXPECT_EQ(file->tensors[index].name, expected[index].first);
    EXPECT_TRUE(SameBits(file->tensors[index].tensor, Pattern({2, 3}, expected[index].second)))
        << expected[index].first;
  }
}

TEST_P(PytorchFileTest, ReadsPickleProtocol4) {
  const auto file = ReadTensorFile(Fixture("protocol4." + std::string(GetParam()) + ".pth"));
  ASSERT_OK(file);
  EXPECT_TRUE(SameBits(TableOf(*file)["float32"], Pattern({2, 3})));
}

TEST_P(PytorchFileTest, ReadsEveryLayoutAsContiguousValues) {
  const auto file = ReadTensorFile(Fixture("layouts." + std::string(GetParam()) + ".pth"));
  ASSERT_OK(file);
  auto table = TableOf(*file);

  for (const char* name : {"plain", "transposed", "offset", "strided", "parameter"}) {
    EXPECT_TRUE(SameBits(table[name], Pattern({3, 4}))) << name;
  }
  EXPECT_TRUE(SameBits(table["expanded"], Pattern({1, 4}).expand({3, 4}).contiguous()));
  EXPECT_TRUE(SameBits(table["tied.b"], Pattern({2, 12})));
  EXPECT_TRUE(SameBits(table["tied.a"], Pattern({2, 12})[0].contiguous()));
  EXPECT_TRUE(SameBits(table["scalar"], at::full({}, 3.5F)));
  EXPECT_TRUE(SameBits(table["empty"], at::zeros({0, 4})));
}

TEST_P(PytorchFileTest, FindsTheStateDictInsideACheckpointAndStripsItsPrefix) {
  const auto file = ReadTensorFile(Fixture("wrapped." + std::string(GetParam()) + ".pth"));
  ASSERT_OK(file);

  ASSERT_EQ(file->tensors.size(), 2U);
  EXPECT_EQ(file->metadata.at("wrapped_in"), "state_dict");
  EXPECT_TRUE(SameBits(TableOf(*file)["fc.weight"], Pattern({2, 3})));
  EXPECT_TRUE(SameBits(TableOf(*file)["fc.bias"], Pattern({2})));
}

TEST_P(PytorchFileTest, PassesByWhatTrainingProgramsKeepBesideTheWeights) {
  const std::map<std::string, std::string> wrappers = {
      {"options", "model"}, {"accuracy", "model"}, {"belongings", "state_dict"}};
  for (const auto& [name, wrapper] : wrappers) {
    const auto file = ReadTensorFile(Fixture(name + "." + GetParam() + ".pth"));
    ASSERT_OK(file);

    ASSERT_EQ(file->tensors.size(), 2U) << name;
    EXPECT_EQ(file->metadata.at("wrapped_in"), wrapper);
    EXPECT_TRUE(SameBits(TableOf(*file)["fc.weight"], Pattern({2, 3})));
    EXPECT_TRUE(SameBits(TableOf(*file)["fc.bias"], Pattern({2})));
  }
}

TEST_P(PytorchFileTest, NamesTheFunctionOfAMaliciousFileAndDoesNotRunIt) {
  std::filesystem::remove("/tmp/distill-unpickled");

  const auto file = ReadTensorFile(Fixture("malicious." + std::string(GetParam()) + ".pth"));

  EXPECT_THAT(file, StatusIs(Code::kInvalidArgument, HasSubstr("posix.system")));
  EXPECT_FALSE(std::filesystem::exists("/tmp/distill-unpickled"));
}

INSTANTIATE_TEST_SUITE_P(Forms, PytorchFileTest, ::testing::Values("zip", "legacy"),
                         [](const auto& form) { return std::string(form.param); });

TEST(PytorchFileTest, StripsNestedPrefixesOfCompiledAndParallelModels) {
  const auto file = ReadTensorFile(Fixture("compiled.zip.pth"));
  ASSERT_OK(file);
  EXPECT_EQ(file->tensors.front().name, "fc.weight");
}

TEST(PytorchFileTest, ReadsZip64AndFilesWrittenWithoutChecksums) {
  for (const char* name : {"zip64.zip.pth", "no_crc.zip.pth"}) {
    const auto file = ReadTensorFile(Fixture(name));
    ASSERT_OK(file) << name;
    EXPECT_TRUE(SameBits(TableOf(*file)["float64"], Pattern({2, 3}, at::kDouble))) << name;
  }
}

TEST(PytorchFileTest, RefusesOtherKindsOfFilesWithTheRemedy) {
  const std::map<std::string, std::string> words = {
      {"whole_module.zip.pth", "whole pickled model"},
      {"whole_module.legacy.pth", "tiny_model.Tiny"},
      {"torchscript.pt", "TorchScript"},
      {"quantised.zip.pth", "dequantize()"},
      {"sparse.zip.pth", "_rebuild_sparse_tensor"},
      {"complex.zip.pth", "ComplexFloatStorage"},
      {"tensor_alone.zip.pth", "no state_dict"},
      {"no_tensors.zip.pth", "its keys are: epoch, lr"},
      {"deflated.zip.pth", "compressed"},
      {"bare_pickle.pkl", "bare pickle"},
  };
  for (const auto& [name, word] : words) {
    EXPECT_THAT(ReadTensorFile(Fixture(name)),
                StatusIs(Code::kInvalidArgument, AllOf(HasSubstr(word), HasSubstr(name))));
  }
}

TEST(PytorchFileTest, ATorchScriptFileIsToldFromWeightsAndOtherFiles) {
  EXPECT_OK(CheckTorchScriptFile(Fixture("torchscript.pt")));
  EXPECT_THAT(ReadTensorFile(Fixture("torchscript.pt")),
              StatusIs(Code::kInvalidArgument, HasSubstr("--teacher-model torchscript")));
  for (const char* name : {"layouts.zip.pth", "layouts.legacy.pth"}) {
    EXPECT_THAT(
        CheckTorchScriptFile(Fixture(name)),
        StatusIs(Code::kInvalidArgument, AllOf(HasSubstr(name), HasSubstr("weights alone"))));
  }
  EXPECT_THAT(CheckTorchScriptFile(Fixture("bare_pickle.pkl")),
              StatusIs(Code::kInvalidArgument, HasSubstr("bare pickle")));
  EXPECT_THAT(CheckTorchScriptFile(__FILE__),
              StatusIs(Code::kInvalidArgument, HasSubstr("not a TorchScript archive")));
  EXPECT_THAT(CheckTorchScriptFile(Fixture("none.pt")),
              StatusIs(Code::kNotFound, HasSubstr("none")));
}

TEST(PytorchFileTest, AFileCutAtAnyByteIsAnErrorAndNeverACrash) {
  for (const char* name : {"layouts.zip.pth", "layouts.legacy.pth", "wrapped.legacy.pth"}) {
    const std::string whole = ReadFile(Fixture(name)).value();
    ASSERT_OK(ParseTensorFile(whole));
    for (size_t length = 0; length < whole.size(); ++length) {
      const Status status = ParseTensorFile(whole.substr(0, length)).status();
      EXPECT_TRUE(status.code() == Code::kDataLoss || status.code() == Code::kInvalidArgument)
          << name << " cut to " << length << ": " << status;
    }
  }
}

TEST(PytorchFileTest, AFlippedBitIsReadOrRefusedAndNeverACrash) {
  for (const char* name : {"dtypes.zip.pth", "layouts.zip.pth", "layouts.legacy.pth",
                           "wrapped.legacy.pth", "zip64.zip.pth", "protocol4.legacy.pth"}) {
    const std::string whole = ReadFile(Fixture(name)).value();
    for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
      std::string damaged = whole;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
      const auto file = ParseTensorFile(damaged);
      if (file.ok()) continue;
      EXPECT_THAT(file.status().code(),
                  AnyOf(Code::kDataLoss, Code::kInvalidArgument, Code::kNotFound))
          << name << " bit " << bit << ": " << file.status();
    }
  }
}

TEST(PytorchFileTest, ADamagedTensorOfAZipFileIsFoundByItsChecksum) {
  std::string bytes = ReadFile(Fixture("dtypes.zip.pth")).value();
  const at::Tensor value = Pattern({2, 3}, at::kDouble);
  const size_t data =
      bytes.find(std::string(static_cast<const char*>(value.data_ptr()), value.nbytes()));
  ASSERT_NE(data, std::string::npos);
  bytes[data + 1] = static_cast<char>(bytes[data + 1] ^ 1);

  EXPECT_THAT(ParseTensorFile(bytes), StatusIs(Code::kDataLoss, HasSubstr("damaged")));
}

TEST(PytorchFileTest, RecognisesFilesThatAreNoWeights) {
  const std::map<std::string, std::string> words = {
      {std::string("\x89HDF\r\n\x1a\n", 8) + std::string(100, 'x'), "HDF5"},
      {std::string(257, 'x') + "ustar" + std::string(250, '\0'), "tar archive"},
      {std::string("\x08\x07\x12\x07pytorch", 11) + std::string(50, 'x'), "ONNX"},
      {"\x93NUMPY" + std::string(50, 'x'), "NumPy"},
      {"version https://git-lfs.github.com/spec/v1\n", "Git LFS"},
      {"<!DOCTYPE html><html></html>", "web page"},
      {std::string("\x1f\x8b\x08", 3) + std::string(20, 'x'), "gzip"},
      {std::string(300, 'x'), "not a weights file"},
      {std::string(300, '\0'), "not a weights file"},
  };
  for (const auto& [bytes, word] : words) {
    EXPECT_THAT(ParseTensorFile(bytes), StatusIs(Code::kInvalidArgument, HasSubstr(word)));
  }
  EXPECT_THAT(ParseTensorFile(""), StatusIs(Code::kDataLoss, HasSubstr("empty")));
}

TEST(PytorchFileTest, MissingFileIsNotFound) {
  EXPECT_THAT(ReadTensorFile("/no/such/file.pth"),
              StatusIs(Code::kNotFound, HasSubstr("/no/such/file.pth")));
}

}  // namespace
}  // namespace distill::core
