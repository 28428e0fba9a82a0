#include "core/data/dataset_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "core/data/dataset_split.h"
#include "tests/unit/core/data/dataset_scan_fixture.h"
#include "tests/unit/core/data/test_data.h"

namespace distill::core {
namespace {

namespace fs = std::filesystem;
using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::distill::testing::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DatasetScanTest : public DatasetScanFixture {};

std::vector<std::string> PathsOf(const Manifest& manifest, Split split) {
  std::vector<std::string> paths;
  for (const ManifestEntry& entry : manifest.EntriesOf(split)) paths.push_back(entry.path);
  return paths;
}

// No content in two splits, and every entry's class and path in order.
void ExpectSound(const Manifest& manifest) {
  std::map<std::string, Split> split_of;
  for (const ManifestEntry& entry : manifest.entries) {
    const auto [known, is_new] = split_of.insert({entry.sha256, entry.split});
    EXPECT_EQ(known->second, entry.split) << entry.path;
  }
  EXPECT_TRUE(std::is_sorted(manifest.class_names.begin(), manifest.class_names.end()));
  EXPECT_TRUE(std::is_sorted(manifest.entries.begin(), manifest.entries.end(),
                             [](const ManifestEntry& left, const ManifestEntry& right) {
                               return left.path < right.path;
                             }));
  for (const int64_t count : manifest.ImagesPerClass(Split::kTrain)) EXPECT_GE(count, 1);
}

TEST_F(DatasetScanTest, ClassFoldersAreSplitPerClassWithoutOverlap) {
  AddClass("dog", 20);
  AddClass("cat", 10);
  AddClass("emu", 1);

  const Result<ScanReport> report = Scan();

  ASSERT_OK(report);
  EXPECT_THAT(report->manifest.class_names, ElementsAre("cat", "dog", "emu"));
  EXPECT_THAT(report->manifest.ImagesPerClass(Split::kTrain), ElementsAre(7, 14, 1));
  EXPECT_THAT(report->manifest.ImagesPerClass(Split::kVal), ElementsAre(1, 2, 0));
  EXPECT_THAT(report->manifest.ImagesPerClass(Split::kTest), ElementsAre(2, 4, 0));
  EXPECT_THAT(report->bad_images, IsEmpty());
  ExpectSound(report->manifest);
}

TEST_F(DatasetScanTest, SplitDependsOnTheSeedAndNotOnThreadsOrNames) {
  AddClass("dog", 20);
  AddClass("cat", 20);
  ScanOptions options = Options();
  const Manifest first = ScanDataset(options, {}).value().manifest;
  options.num_threads = 4;
  const Manifest threaded = ScanDataset(options, {}).value().manifest;
  options.seed = 1;
  const Manifest reseeded = ScanDataset(options, {}).value().manifest;
  std::set<std::string> test_content;
  for (const auto& entry : first.EntriesOf(Split::kTest)) test_content.insert(entry.sha256);
  for (int i = 0; i < 20; ++i) {
    const fs::path folder = root() / "dog";
    fs::rename(folder / (std::to_string(i) + ".ppm"),
               folder / ("new" + std::to_string(99 - i) + ".ppm"));
  }
  const Manifest renamed = Scan().value().manifest;
  std::set<std::string> renamed_test_content;
  for (const auto& entry : renamed.EntriesOf(Split::kTest)) {
    renamed_test_content.insert(entry.sha256);
  }

  EXPECT_EQ(ManifestSha256(first), ManifestSha256(threaded));
  EXPECT_NE(PathsOf(first, Split::kTest), PathsOf(reseeded, Split::kTest));
  EXPECT_EQ(test_content, renamed_test_content);
}

TEST_F(DatasetScanTest, GivenSplitsAreKeptAndOnlyTheMissingOneIsMade) {
  AddClass("train/a", 10);
  AddClass("train/b", 10);
  AddClass("test/a", 3);
  AddClass("test/b", 2);

  const Manifest manifest = Scan().value().manifest;

  EXPECT_THAT(manifest.ImagesPerClass(Split::kTrain), ElementsAre(9, 9));
  EXPECT_THAT(manifest.ImagesPerClass(Split::kVal), ElementsAre(1, 1));
  EXPECT_THAT(manifest.ImagesPerClass(Split::kTest), ElementsAre(3, 2));
  for (const ManifestEntry& entry : manifest.EntriesOf(Split::kVal)) {
    EXPECT_THAT(entry.path.string(), HasSubstr("/train/"));
  }
  ExpectSound(manifest);
}

TEST_F(DatasetScanTest, FolderNamedTrainWithPicturesIsAClass) {
  AddClass("train", 3);
  AddClass("plane", 3);

  EXPECT_THAT(Scan().value().manifest.class_names, ElementsAre("plane", "train"));
}

TEST_F(DatasetScanTest, CsvFileNamesPathsClassesAndSplits) {
  Add("x/one.ppm");
  Add("two, with comma.ppm");
  Add("three.ppm");
  Add("four.ppm");
  AddBytes("list.csv", "path,class,split\nx/one.ppm,b,train\n\"two, with comma.ppm\",a,train\r\n" +
                           (root() / "three.ppm").string() + ",a,val\nfour.ppm,b,test\n");
  ScanOptions options = Options();
  options.path /= "list.csv";

  const Result<ScanReport> report = ScanDataset(options, {});

  ASSERT_OK(report);
  EXPECT_THAT(report->manifest.class_names, ElementsAre("a", "b"));
  EXPECT_THAT(
      PathsOf(report->manifest, Split::kTrain),
      ElementsAre((root() / "two, with comma.ppm").string(), (root() / "x/one.ppm").string()));
  EXPECT_THAT(PathsOf(report->manifest, Split::kVal), ElementsAre((root() / "three.ppm").string()));
  EXPECT_THAT(PathsOf(report->manifest, Split::kTest), ElementsAre((root() / "four.ppm").string()));
}

TEST_F(DatasetScanTest, ListedClassesNeedNoImagesAndADataSetMayBeForEvaluationOnly) {
  Add("one.ppm");
  Add("two.ppm");
  AddBytes("list.csv", "path,class,split\none.ppm,bee,test\ntwo.ppm,ant,test\n");
  AddBytes("list.classes.txt", "cow\r\nbee\nant\n\ndog\n");
  ScanOptions options = Options();
  options.path /= "list.csv";

  const Result<ScanReport> report = ScanDataset(options, {});

  ASSERT_OK(report);
  EXPECT_THAT(report->manifest.class_names, ElementsAre("ant", "bee", "cow", "dog"));
  EXPECT_THAT(report->manifest.ImagesPerClass(Split::kTest), ElementsAre(1, 1, 0, 0));
  // Pictures 1 and 2 of 4x4: one red pixel of sixteen each.
  EXPECT_NEAR(report->mean[0], 1.0 / 16, 1e-12) << "of all pixels, where nothing is for training";

  AddBytes("list.classes.txt", "ant\ncow\n");
  EXPECT_THAT(
      ScanDataset(options, {}),
      StatusIs(Code::kInvalidArgument, ::testing::AllOf(HasSubstr("line 2"), HasSubstr("bee"))));
  AddBytes("list.classes.txt", "ant\nbee\nant\n");
  EXPECT_THAT(ScanDataset(options, {}),
              StatusIs(Code::kInvalidArgument, HasSubstr("listed twice: ant")));
}

TEST_F(DatasetScanTest, AByteOrderMarkBeforeAListIsNoPartOfIt) {
  Add("a.ppm");
  Add("b.ppm");
  ScanOptions options = Options();
  options.path /= "list.csv";
  AddBytes("list.csv", "\xEF\xBB\xBFpath,class,split\na.ppm,a,train\nb.ppm,b,train\n");
  AddBytes("list.classes.txt",
           "\xEF\xBB\xBF"
           "a\nb\n");

  EXPECT_THAT(ScanDataset(options, {})->manifest.class_names, ElementsAre("a", "b"));
}

TEST_F(DatasetScanTest, DamagedCsvNamesTheLine) {
  Add("a.ppm");
  ScanOptions options = Options();
  options.path /= "list.csv";
  const std::pair<const char*, const char*> cases[] = {
      {"file,label\n", "line 1"},
      {"path,class,split\na.ppm,a\n", "line 2"},
      {"path,class,split\na.ppm,a,training\n", "line 2: split is not train, val or test: training"},
      {"path,class,split\na.ppm,a,train\na.ppm,b,train\n", "line 3: listed twice"},
      {"path,class,split\na.ppm,,train\n", "line 2"},
      {"path,class,split\n\"a.ppm,a,train\n", "line 2"},
  };
  for (const auto& [text, message] : cases) {
    AddBytes("list.csv", text);
    EXPECT_THAT(ScanDataset(options, {}), StatusIs(Code::kInvalidArgument, HasSubstr(message)));
  }
}

TEST_F(DatasetScanTest, CsvImagesOutsideTheAllowedRootsAreBad) {
  Add("in/a.ppm");
  Add("in/b.ppm");
  Add("out/c.ppm");
  AddBytes("in/list.csv", "path,class,split\na.ppm,a,train\nb.ppm,b,train\n../out/c.ppm,b,train\n");
  ScanOptions options = Options();
  options.path /= "in/list.csv";
  options.allowed_roots = {root() / "in"};

  const ScanReport report = ScanDataset(options, {}).value();

  ASSERT_THAT(report.bad_images, SizeIs(1));
  EXPECT_EQ(report.bad_images[0].path, root() / "out/c.ppm");
}

TEST_F(DatasetScanTest, BadFilesAreReportedByPathAndReasonAndTheScanGoesOn) {
  AddClass("a", 3);
  AddClass("b", 3);
  AddBytes("a/empty.jpg", "");
  AddBytes("a/text.PNG", "text");
  AddBytes("b/cut.ppm", "P6\n9 9\n255\nabc");
  AddBytes("b/notes.txt", "not counted as an image");
  AddBytes("b/.hidden.jpg", "");
  AddBytes("readme.md", "beside the classes");

  const ScanReport report = Scan().value();

  ASSERT_THAT(report.bad_images, SizeIs(3));
  EXPECT_EQ(report.bad_images[0].path, root() / "a/empty.jpg");
  EXPECT_THAT(report.bad_images[0].reason, HasSubstr("empty"));
  EXPECT_EQ(report.bad_images[1].path, root() / "a/text.PNG");
  EXPECT_EQ(report.bad_images[2].path, root() / "b/cut.ppm");
  EXPECT_EQ(report.num_ignored_files, 2);
  EXPECT_THAT(report.manifest.entries, SizeIs(6));
}

TEST_F(DatasetScanTest, SameBytesUnderTwoLabelsAreReportedOnBothSides) {
  AddClass("a", 4);
  AddClass("b", 4);
  AddPicture("a/twin.ppm", 999);
  AddPicture("b/twin.ppm", 999);

  const ScanReport report = Scan().value();

  ASSERT_THAT(report.bad_images, SizeIs(2));
  EXPECT_THAT(report.bad_images[0].reason, AllOf(HasSubstr("label"), HasSubstr("b/twin.ppm")));
  EXPECT_THAT(report.bad_images[1].reason, AllOf(HasSubstr("label"), HasSubstr("a/twin.ppm")));
  EXPECT_THAT(report.manifest.entries, SizeIs(8));
}

TEST_F(DatasetScanTest, SameBytesInTwoSplitsStayInTheHeldOutOne) {
  for (const char* split : {"train", "val", "test"}) {
    AddClass(std::string(split) + "/a", 2);
    AddClass(std::string(split) + "/b", 2);
    AddPicture(std::string(split) + "/a/leak.ppm", 999);
  }
  AddPicture("train/b/second.ppm", 998);
  AddPicture("val/b/second.ppm", 998);

  const ScanReport report = Scan().value();

  ASSERT_THAT(report.bad_images, SizeIs(3));
  EXPECT_EQ(report.bad_images[0].path, root() / "train/a/leak.ppm");
  EXPECT_THAT(report.bad_images[0].reason, AllOf(HasSubstr("test"), HasSubstr("test/a/leak.ppm")));
  EXPECT_EQ(report.bad_images[1].path, root() / "train/b/second.ppm");
  EXPECT_EQ(report.bad_images[2].path, root() / "val/a/leak.ppm");
  ExpectSound(report.manifest);
}

TEST_F(DatasetScanTest, CopiesInOneClassStayTogetherInTheSplitThatIsMade) {
  for (int i = 0; i < 12; ++i) {
    for (const char* copy : {"x", "y", "z"}) {
      AddPicture("a/" + std::to_string(i) + copy + ".ppm", 100 + i);
    }
  }
  AddClass("b", 6);
  for (uint64_t seed = 0; seed < 5; ++seed) {
    ScanOptions options = Options();
    options.seed = seed;

    const ScanReport report = ScanDataset(options, {}).value();

    EXPECT_THAT(report.bad_images, IsEmpty());
    EXPECT_EQ(report.manifest.ImagesPerClass(Split::kTest)[0], 6);  // 0.2 of 12, thrice
    ExpectSound(report.manifest);
  }
}

TEST_F(DatasetScanTest, MeanAndStdAreThoseOfAllTrainingPixels) {
  AddBytes("train/a/1.ppm", EncodePpm(EvenImage(10, 10, 100)));
  AddBytes("train/b/1.ppm", EncodePpm(EvenImage(30, 10, 200)));
  AddBytes("test/a/1.ppm", EncodePpm(EvenImage(50, 50, 7)));
  ScanOptions options = Options();
  options.val_fraction = 0;

  const ScanReport report = ScanDataset(options, {}).value();

  // 100 pixels of 100 and 300 of 200: mean 175, variance 0.25 * 75^2 + 0.75 * 25^2 = 1875.
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(report.mean[c], 175.0 / 255, 1e-12);
    EXPECT_NEAR(report.std[c], std::sqrt(1875.0) / 255, 1e-12);
  }
}

// As pictures of a microscope with two channels have it.
TEST_F(DatasetScanTest, AChannelThatIsTheSameEverywhereIsDividedByOne) {
  for (int i = 0; i < 4; ++i) {
    RgbImage image = EvenImage(4, 4, static_cast<uint8_t>(60 * i));
    for (size_t pixel = 0; pixel < 16; ++pixel) image.pixels[pixel * 3 + 2] = 51;
    AddBytes("train/" + std::string(i % 2 == 0 ? "a/" : "b/") + std::to_string(i) + ".ppm",
             EncodePpm(image));
  }

  const ScanReport report = Scan().value();

  EXPECT_LT(report.std[1], 0.5);
  EXPECT_EQ(report.std[2], 1);
  EXPECT_NEAR(report.mean[2], 0.2, 1e-12);
}

TEST_F(DatasetScanTest, ProblemsOfClassesAreRefusedByName) {
  AddClass("train/a", 2);
  EXPECT_THAT(Scan(), StatusIs(Code::kInvalidArgument, HasSubstr("two classes")));
  AddClass("train/b", 2);
  ASSERT_OK(Scan());
  AddClass("val/zebra", 2);
  EXPECT_THAT(Scan(), StatusIs(Code::kInvalidArgument, HasSubstr("not in train: zebra")));
  fs::remove_all(root() / "val");
  fs::create_directories(root() / "train/empty");
  EXPECT_THAT(Scan(), StatusIs(Code::kInvalidArgument, HasSubstr("train/empty")));
  AddBytes("train/empty/bad.jpg", "bad");
  EXPECT_THAT(Scan(),
              StatusIs(Code::kInvalidArgument, AllOf(HasSubstr("empty"), HasSubstr("bad.jpg"))));
  fs::remove_all(root() / "train/empty");
  AddClass("valid/a", 2);
  EXPECT_THAT(Scan(), StatusIs(Code::kInvalidArgument, HasSubstr("valid")));
}

TEST_F(DatasetScanTest, AClassWhoseNameIsNotUtf8IsRefusedByItsFolder) {
  AddClass("train/a", 2);
  AddClass("train/caf\xE9", 2);
  EXPECT_THAT(Scan(), StatusIs(Code::kInvalidArgument,
                               AllOf(HasSubstr("train/caf\\xe9/"), HasSubstr("rename"))));
  fs::rename(root() / "train/caf\xE9", root() / "train/caf\xC3\xA9");
  EXPECT_OK(Scan());

  ScanOptions options = Options();
  options.path /= "list.csv";
  AddBytes("list.csv", "path,class,split\ntrain/a/0.ppm,b,train\ntrain/a/1.ppm,\xE9,train\n");
  EXPECT_THAT(ScanDataset(options, {}),
              StatusIs(Code::kInvalidArgument, HasSubstr("is not UTF-8: \\xe9")));
  AddBytes("list.csv", "path,class,split\ntrain/a/0.ppm,b,train\n");
  AddBytes("list.classes.txt", "b\nz\xE9\n");
  EXPECT_THAT(ScanDataset(options, {}),
              StatusIs(Code::kInvalidArgument, HasSubstr("is not UTF-8: z\\xe9")));
}

TEST_F(DatasetScanTest, LinksAreFollowedInsideTheFolderOnly) {
  const TempDir outside;
  ASSERT_OK(WriteFile(outside.path() / "secret.ppm", EncodePpm(EvenImage(4, 4, 3))));
  AddClass("a", 3);
  AddClass("b", 3);
  fs::create_symlink(outside.path() / "secret.ppm", root() / "a/link.ppm");
  fs::create_symlink("../a/0.ppm", root() / "a/twin.ppm");
  fs::create_symlink("nowhere.ppm", root() / "b/broken.ppm");
  fs::create_directory_symlink(outside.path(), root() / "b/folder");

  const ScanReport report = Scan().value();

  ASSERT_THAT(report.bad_images, SizeIs(2));
  EXPECT_EQ(report.bad_images[0].path, root() / "a/link.ppm");
  EXPECT_THAT(report.bad_images[0].reason, HasSubstr("leaves"));
  EXPECT_EQ(report.bad_images[1].path, root() / "b/broken.ppm");
  EXPECT_EQ(report.manifest.entries.size(), 7U);
  fs::create_directory_symlink(outside.path(), root() / "c");
  EXPECT_THAT(Scan(), StatusIs(Code::kInvalidArgument, HasSubstr("link")));
}

TEST_F(DatasetScanTest, AbsentPathIsNotFoundAndFractionsAreChecked) {
  ScanOptions options = Options();
  options.path /= "absent";
  EXPECT_THAT(ScanDataset(options, {}), StatusIs(Code::kNotFound, HasSubstr("absent")));
  options = Options();
  options.val_fraction = 0.5;
  options.test_fraction = 0.5;
  EXPECT_THAT(ScanDataset(options, {}), HasCode(Code::kInvalidArgument));
  options.val_fraction = std::nan("");
  EXPECT_THAT(ScanDataset(options, {}), HasCode(Code::kInvalidArgument));
}

TEST_F(DatasetScanTest, ProgressEndsAtTheTotalAndCanStopTheScan) {
  AddClass("a", 150);
  AddClass("b", 100);
  int64_t last_done = -1;
  int64_t last_total = -1;
  const auto report = ScanDataset(Options(), [&](int64_t done, int64_t total) {
    EXPECT_GE(done, last_done);
    last_done = done;
    last_total = total;
    return true;
  });

  ASSERT_OK(report);
  EXPECT_EQ(last_done, 250);
  EXPECT_EQ(last_total, 250);
  EXPECT_THAT(ScanDataset(Options(), [](int64_t, int64_t) { return false; }),
              HasCode(Code::kCancelled));
}

TEST(DatasetSplitTest, SizesAreRoundedAndTrainKeepsOne) {
  const auto sizes = [](int64_t num_images) {
    const SplitSizes split = SizesOfSplits(num_images, 0.1, 0.2);
    return std::vector<int64_t>{split.num_val, split.num_test};
  };

  EXPECT_THAT(sizes(0), ElementsAre(0, 0));
  EXPECT_THAT(sizes(1), ElementsAre(0, 0));
  EXPECT_THAT(sizes(2), ElementsAre(0, 1));
  EXPECT_THAT(sizes(3), ElementsAre(1, 1));
  EXPECT_THAT(sizes(10), ElementsAre(1, 2));
  EXPECT_THAT(sizes(30), ElementsAre(3, 6));
  EXPECT_THAT(sizes(1052), ElementsAre(105, 210));
  EXPECT_EQ(SizesOfSplits(50, 0, 0).num_val, 0);
  EXPECT_EQ(SizesOfSplits(50, 0, 0).num_test, 0);
  EXPECT_EQ(SizesOfSplits(4, 0.4, 0.59).num_test, 2);
  EXPECT_EQ(SizesOfSplits(4, 0.4, 0.59).num_val, 1);
}

TEST(DatasetScanPhotographsTest, FlowersAreCountedAndTheirTwinsReported) {
  const fs::path folder = TestData("flowers5");
  if (folder.empty()) GTEST_SKIP() << "no photographs";
  ScanOptions options;
  options.path = folder;
  options.num_threads = 2;

  const Result<ScanReport> report = ScanDataset(options, {});

  ASSERT_OK(report);
  EXPECT_THAT(report->manifest.class_names,
              ElementsAre("daisy", "dandelion", "rose", "sunflower", "tulip"));
  // Four photographs lie in both rose and tulip (sha256sum).
  EXPECT_THAT(report->bad_images, SizeIs(8));
  EXPECT_EQ(report->manifest.entries.size(), 4317U - 8U);
  ExpectSound(report->manifest);
}

}  // namespace
}  // namespace distill::core
