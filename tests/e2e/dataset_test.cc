#include <gmock/gmock.h>

#include <fstream>

#include "tests/e2e/lab.h"

namespace distill::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class DatasetRules : public Lab {
 protected:
  // A data set of three classes with one file that is no image, and one under two labels.
  std::string WriteSpoiltDataset() {
    const std::filesystem::path images = folder() / "spoilt";
    std::filesystem::copy((folder() / "images"), images, std::filesystem::copy_options::recursive);
    std::ofstream(images / "class0" / "torn.jpg") << "\xFF\xD8\xFF torn";
    return images;
  }
};

TEST_F(DatasetRules, BadFilesFailADataSetAndAreAllNamed) {
  const std::string images = WriteSpoiltDataset();

  const Finished failed = Ctl({"dataset", "add", "spoilt", images});

  EXPECT_NE(failed.exit_code, 0);
  EXPECT_THAT(failed.err, AllOf(HasSubstr("torn.jpg"), HasSubstr("--bad-files skip")));
  const Finished refused = Ctl({"train", "--dataset", "spoilt", "--model", "resnet18"});
  EXPECT_THAT(refused.err, HasSubstr("could not be read"));
}

TEST_F(DatasetRules, SkippedFilesAreCountedAndTheRunSaysSo) {
  const std::string images = WriteSpoiltDataset();
  CtlOk({"dataset", "add", "spoilt", images, "--bad-files", "skip"});
  EXPECT_THAT(CtlOk({"dataset", "show", "spoilt"}), HasSubstr("bad files 1"));

  CtlOk({"train", "--name", "run", "--dataset", "spoilt", "--model", "resnet18", "--image-size",
         "32", "--epochs", "1", "--batch-size", "8"});
  AwaitSuccess("run");

  EXPECT_THAT(CtlOk({"logs", "run"}), HasSubstr("1 bad files of the data set were left out"));
}

TEST_F(DatasetRules, AListNamesNoFileOutsideTheRoots) {
  const TempDir outside;
  const std::filesystem::path picture = *std::filesystem::recursive_directory_iterator(
      *std::filesystem::directory_iterator((folder() / "images")));
  std::filesystem::copy_file(picture, outside.path() / "secret.png");
  std::filesystem::create_symlink(outside.path() / "secret.png", folder() / "link.png");
  std::ofstream list(folder() / "list.csv");
  list << "path,class,split\n";
  for (const auto& entry : std::filesystem::recursive_directory_iterator((folder() / "images"))) {
    if (!entry.is_regular_file()) continue;
    list << entry.path().string() << "," << entry.path().parent_path().filename().string()
         << ",train\n";
  }
  list << (outside.path() / "secret.png").string() << ",class0,train\nlink.png,class0,train\n";
  list.close();

  const Finished failed =
      Ctl({"dataset", "add", "listed", (folder() / "list.csv").string(), "--val", "0.2"});

  EXPECT_NE(failed.exit_code, 0);
  EXPECT_THAT(failed.err, AllOf(HasSubstr("2 bad files"), HasSubstr("secret.png: outside"),
                                HasSubstr("link.png: outside")));
}

}  // namespace
}  // namespace distill::testing
