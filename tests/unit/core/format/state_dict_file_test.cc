// That PyTorch itself reads the files: tests/exchange/state_dict_test.py.
#include "core/format/state_dict_file.h"

#include <gmock/gmock.h>

#include "core/base/durable_file.h"
#include "core/format/zip_archive.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::core {
namespace {

using ::distill::testing::StatusIs;
using ::distill::testing::TempDir;
using ::testing::HasSubstr;

TEST(StateDictFileTest, HoldsPickleStoragesAndLineage) {
  const TempDir directory;
  const std::filesystem::path path = directory.path() / "a.pth";
  const std::string data(24, '\1');
  const std::string steps(8, '\2');
  SafetensorsView weights;
  weights.metadata = {{"job", "7"}};
  weights.tensors = {{"conv.weight", "F32", {2, 3}, data}, {"steps", "I64", {}, steps}};

  ASSERT_OK(WriteStateDictFile(path, weights));

  const std::string bytes = ReadFile(path).value();
  const auto archive = ZipArchive::Open(bytes);
  ASSERT_OK(archive);
  EXPECT_EQ(archive->Read("archive/version").value(), "3\n");
  EXPECT_EQ(archive->Read("archive/byteorder").value(), "little");
  EXPECT_EQ(archive->Read("archive/data/0").value(), data);
  EXPECT_EQ(archive->Read("archive/data/1").value(), steps);
  EXPECT_THAT(archive->Read("archive/lineage.json").value(), HasSubstr("\"job\": \"7\""));
  // As Python's pickletools shows of torch.save: a storage of six floats, and the shape 2, 3 with
  // the strides 3, 1.
  const std::string pickle(archive->Read("archive/data.pkl").value());
  EXPECT_THAT(pickle, HasSubstr("((X\7" + std::string(3, '\0') +
                                "storagectorch\nFloatStorage\nX\1" + std::string(3, '\0') + "0X\3" +
                                std::string(3, '\0') + "cpuJ\6" + std::string(3, '\0') + "tQ"));
  const auto integer = [](char value) { return std::string("J") + value + std::string(3, '\0'); };
  EXPECT_THAT(pickle,
              HasSubstr("(" + integer(2) + integer(3) + "t(" + integer(3) + integer(1) + "t\x89"));
}

TEST(StateDictFileTest, ADtypeThatPyTorchLacksIsRefused) {
  const TempDir directory;
  SafetensorsView weights;
  weights.tensors = {{"odd", "F8_E4M3", {1}, "1"}};

  EXPECT_THAT(WriteStateDictFile(directory.path() / "a.pth", weights),
              StatusIs(Code::kInvalidArgument, HasSubstr("odd")));
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "a.pth"));
}

}  // namespace
}  // namespace distill::core
