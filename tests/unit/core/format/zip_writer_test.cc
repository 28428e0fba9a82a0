#include "core/format/zip_writer.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include "core/base/durable_file.h"
#include "core/format/zip_archive.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::core {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::TempDir;

class ZipWriterTest : public ::testing::Test {
 protected:
  std::string Write(const std::vector<std::pair<std::string, std::string>>& entries) {
    const std::filesystem::path path = directory_.path() / "archive.zip";
    EXPECT_OK(ReplaceFileWith(path, [&](int descriptor) {
      ZipWriter writer(descriptor, path);
      for (const auto& [name, content] : entries) {
        DISTILL_RETURN_IF_ERROR(writer.Add(name, content));
      }
      return writer.Finish();
    }));
    return ReadFile(path).value();
  }

  TempDir directory_;
};

TEST_F(ZipWriterTest, EntriesAreReadBackAndLieAligned) {
  const std::string large(100'000, 'x');
  const std::string bytes = Write({{"a/first", "one"}, {"a/empty", ""}, {"a/large", large}});

  const auto archive = ZipArchive::Open(bytes);
  ASSERT_OK(archive);
  for (const auto& [name, content] : {std::pair<std::string, std::string>{"a/first", "one"},
                                      {"a/empty", ""},
                                      {"a/large", large}}) {
    const auto read = archive->Read(name);
    ASSERT_OK(read);
    EXPECT_EQ(*read, content) << name;
    EXPECT_EQ((read->data() - bytes.data()) % 64, 0) << name;
  }
}

TEST_F(ZipWriterTest, ADamagedContentShows) {
  std::string bytes = Write({{"a", "content"}});
  bytes[bytes.find("content")] ^= 1;

  const auto archive = ZipArchive::Open(bytes);
  ASSERT_OK(archive);
  EXPECT_THAT(archive->Read("a").status(), HasCode(Code::kDataLoss));
}

TEST_F(ZipWriterTest, TheSameEntriesGiveTheSameBytes) {
  EXPECT_EQ(Write({{"a", "1"}, {"b", "2"}}), Write({{"a", "1"}, {"b", "2"}}));
}

}  // namespace
}  // namespace distill::core
