// What a scan reads of files that lead out of the roots: core/data/dataset_scan.h.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <vector>

#include "core/data/image_survey.h"
#include "tests/unit/core/data/dataset_scan_fixture.h"

namespace distill::core {
namespace {

namespace fs = std::filesystem;
using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Data sets in one folder, and what must not be read through them beside it.
class ScanRootsTest : public DatasetScanFixture {
 protected:
  ScanRootsTest() {
    AddClass("data/set/a", 12);
    AddClass("data/set/b", 12);
    AddClass("private/a", 12);
    AddClass("private/b", 12);
    AddBytes("secret", "PRIVATE KEY\n");
    options_ = Options();
    options_.path = data() / "set";
    options_.allowed_roots = {data()};
  }

  fs::path data() const { return root() / "data"; }

  // Makes the data set a list with all pictures of data/set.
  void MakeList() {
    std::string list = "path,class,split\n";
    for (const char* name : {"a", "b"}) {
      for (int i = 0; i < 12; ++i) {
        list += "set/" + std::string(name) + "/" + std::to_string(i) + ".ppm," + name + ",train\n";
      }
    }
    AddBytes("data/list.csv", list);
    options_.path = data() / "list.csv";
  }

  void ExpectOutside(const std::string& what) const {
    EXPECT_THAT(ScanDataset(options_, {}).status(),
                StatusIs(Code::kPermissionDenied, AllOf(HasSubstr(what), HasSubstr("outside"),
                                                        ::testing::Not(HasSubstr("PRIVATE")))));
  }

  ScanOptions options_;
};

TEST_F(ScanRootsTest, ADataSetThatBecameALinkOutOfTheRootsIsRefused) {
  ASSERT_OK(ScanDataset(options_, {}));
  fs::remove_all(data() / "set");
  fs::create_directory_symlink(root() / "private", data() / "set");
  ExpectOutside("private");
}

TEST_F(ScanRootsTest, ASplitThatLeadsOutOfTheRootsIsRefused) {
  fs::create_directories(data() / "other");
  fs::create_directory_symlink(root() / "private", data() / "other" / "train");
  options_.path = data() / "other";
  ExpectOutside("private");
}

TEST_F(ScanRootsTest, ListsOfImagesAndOfClassesAreReadInsideTheRootsAlone) {
  MakeList();
  ASSERT_OK(ScanDataset(options_, {}));
  AddBytes("data/names", "a\nb\n");
  fs::create_symlink("names", data() / "list.classes.txt");
  ASSERT_OK(ScanDataset(options_, {}));

  fs::remove(data() / "list.classes.txt");
  fs::create_symlink(root() / "secret", data() / "list.classes.txt");
  ExpectOutside("list.classes.txt");
  fs::remove(data() / "list.csv");
  fs::create_symlink(root() / "secret", data() / "list.csv");
  ExpectOutside("secret");
}

TEST_F(ScanRootsTest, AListOfClassesIsNeitherWaitedForNorOfAnySize) {
  MakeList();
  const fs::path list = data() / "list.classes.txt";
  ASSERT_EQ(::mkfifo(list.c_str(), 0600), 0);
  EXPECT_THAT(ScanDataset(options_, {}).status(),
              StatusIs(Code::kInvalidArgument, HasSubstr("not a regular file")));
  fs::remove(list);
  AddBytes("data/list.classes.txt", std::string((size_t{1} << 20U) + 1, 'a'));
  EXPECT_THAT(ScanDataset(options_, {}), HasCode(Code::kResourceExhausted));
}

TEST_F(ScanRootsTest, AnImageThatLeadsOutOfTheRootsIsNotReadEvenIfItWasFoundInside) {
  fs::create_symlink(root() / "private" / "a" / "0.ppm", data() / "late.ppm");
  const std::vector<fs::path> paths = {data() / "late.ppm", data() / "set" / "a" / "0.ppm"};

  const auto surveys = SurveyImages(paths, {1, {data()}}, {}).value();

  EXPECT_THAT(surveys[0].failure, HasSubstr("leads outside"));
  EXPECT_EQ(surveys[0].sha256, "");
  EXPECT_EQ(surveys[1].failure, "");
}

}  // namespace
}  // namespace distill::core
