#include "core/data/cifar_layout.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "core/base/sha256.h"
#include "core/data/batch_source.h"
#include "core/data/cifar_file.h"
#include "core/data/dataset_scan.h"
#include "core/data/image_decode.h"
#include "core/data/thumbnail.h"
#include "tests/fakes/cifar_files.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::core {
namespace {

namespace fs = std::filesystem;
using ::distill::testing::Cifar10Names;
using ::distill::testing::CifarRecord;
using ::distill::testing::StatusIs;
using ::distill::testing::TempDir;
using ::distill::testing::WriteBytes;
using ::distill::testing::WriteCifar10;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CifarLayoutTest : public ::testing::Test {
 protected:
  fs::path root() const { return fs::canonical(dir_.path()); }

  Result<ScanReport> Scan() const {
    ScanOptions options;
    options.path = root();
    options.val_fraction = 0.1;
    return ScanDataset(options, {});
  }

  // Cuts, or lengthens, a file.
  void Resize(const std::string& name, int64_t change) const {
    const fs::path path = root() / name;
    fs::resize_file(path,
                    static_cast<uintmax_t>(static_cast<int64_t>(fs::file_size(path)) + change));
  }

  void ExpectRefused(const std::string& file, const std::string& cause) const {
    EXPECT_THAT(Scan().status(),
                StatusIs(Code::kInvalidArgument, AllOf(HasSubstr(file), HasSubstr(cause))));
  }

 private:
  TempDir dir_;
};

TEST_F(CifarLayoutTest, Cifar10HasItsClassesItsTestFileAndAValidationSplitFromItsBatches) {
  WriteCifar10(root(), 40);
  WriteBytes(root() / "readme.html", "about");

  const auto report = Scan();

  ASSERT_OK(report);
  EXPECT_EQ(report->manifest.class_names, Cifar10Names());
  EXPECT_THAT(report->manifest.ImagesPerClass(Split::kTest), ::testing::Each(4));
  EXPECT_THAT(report->manifest.ImagesPerClass(Split::kVal), ::testing::Each(2));
  EXPECT_THAT(report->manifest.ImagesPerClass(Split::kTrain), ::testing::Each(18));
  EXPECT_THAT(report->bad_images, IsEmpty());
  EXPECT_EQ(report->num_ignored_files, 1);
  const ManifestEntry& entry = report->manifest.entries[43];
  EXPECT_EQ(entry.path, root() / "data_batch_2.bin#00003");
  EXPECT_EQ(entry.class_index, 3);
  EXPECT_EQ(entry.sha256, Sha256Hex(CifarRecord({3}, 43).substr(1)));
}

TEST_F(CifarLayoutTest, PixelsAreThoseOfTheFileWhicheverWayTheyAreRead) {
  WriteCifar10(root(), 11);
  const fs::path path = root() / "data_batch_1.bin#00007";
  const std::string planes = CifarRecord({7}, 7).substr(1);

  const auto image = DecodeImageFile(path);
  BatchSourceOptions options;
  options.image_size = 32;
  auto source = CreateBatchSource({{path, 7, Split::kTest, ""}}, options);
  ASSERT_OK(source);
  (*source)->StartEpoch(0);
  const Batch batch = std::move(*(*source)->Next().value());

  ASSERT_OK(image);
  ASSERT_EQ(image->size(), (ImageSize{32, 32}));
  const auto* loaded = batch.images.data_ptr<uint8_t>();  // rows of RGB
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) {
      for (int c = 0; c < 3; ++c) {
        const auto expected = static_cast<uint8_t>(planes[(c * 32 + y) * 32 + x]);
        ASSERT_EQ(image->Row(y)[3 * x + c], expected);
        ASSERT_EQ(loaded[(y * 32 + x) * 3 + c], expected);
      }
    }
  }
  EXPECT_OK(JpegThumbnail(path, 32));
}

TEST_F(CifarLayoutTest, MeanAndDeviationAreThoseOfTheTrainingPixels) {
  WriteCifar10(root(), 20);

  const auto report = Scan();

  ASSERT_OK(report);
  std::array<double, 3> sum{};
  double count = 0;
  for (const ManifestEntry& entry : report->manifest.EntriesOf(Split::kTrain)) {
    const RgbImage image = DecodeImageFile(entry.path).value();
    for (size_t i = 0; i < image.pixels.size(); ++i) sum.at(i % 3) += image.pixels[i] / 255.0;
    count += 32 * 32;
  }
  for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(report->mean.at(c), sum.at(c) / count, 1e-12);
}

TEST_F(CifarLayoutTest, Cifar100HasItsFineLabels) {
  WriteBytes(root() / "fine_label_names.txt", "apple\naquarium_fish\nbaby\n");
  WriteBytes(root() / "coarse_label_names.txt", "fruit\nfish\n");
  std::string train;
  for (int i = 0; i < 12; ++i) train += CifarRecord({19, static_cast<uint8_t>(i % 3)}, i);
  WriteBytes(root() / "train.bin", train);
  WriteBytes(root() / "test.bin", CifarRecord({4, 1}, 50));

  const auto report = Scan();

  ASSERT_OK(report);
  EXPECT_THAT(report->manifest.class_names, ElementsAre("apple", "aquarium_fish", "baby"));
  EXPECT_THAT(report->manifest.ImagesPerClass(Split::kTest), ElementsAre(0, 1, 0));
  EXPECT_THAT(report->manifest.ImagesPerClass(Split::kVal), ElementsAre(1, 1, 1));
  EXPECT_EQ(report->manifest.EntriesOf(Split::kTest).front().sha256,
            Sha256Hex(CifarRecord({4, 1}, 50).substr(2)));
}

TEST_F(CifarLayoutTest, HashIsOfTheContentNotOfTheFolder) {
  WriteCifar10(root(), 20);
  const std::string before = ManifestSha256(Scan()->manifest);
  const TempDir other;
  WriteCifar10(other.path(), 20);
  ScanOptions options;
  options.path = other.path();

  EXPECT_EQ(ManifestSha256(ScanDataset(options, {})->manifest), before);
}

TEST_F(CifarLayoutTest, ManifestIsReadBackAsItWasWritten) {
  WriteCifar10(root(), 20);
  const Manifest manifest = Scan()->manifest;
  ASSERT_OK(WriteManifest(root() / "manifest.csv", manifest));

  const auto read = ReadManifest(root() / "manifest.csv");

  ASSERT_OK(read);
  ASSERT_EQ(read->entries.size(), manifest.entries.size());
  EXPECT_EQ(read->entries.back().path, manifest.entries.back().path);
  EXPECT_EQ(ManifestSha256(*read), ManifestSha256(manifest));
}

TEST_F(CifarLayoutTest, ShortFileIsRefusedByNameAndCause) {
  WriteCifar10(root(), 20);
  Resize("data_batch_3.bin", -100);
  ExpectRefused("data_batch_3.bin", "cut short");

  WriteBytes(root() / "data_batch_3.bin", "");
  ExpectRefused("data_batch_3.bin", "it has 0 bytes");
}

TEST_F(CifarLayoutTest, MissingFilesAreNamed) {
  WriteCifar10(root(), 20);
  fs::remove(root() / "data_batch_4.bin");
  fs::remove(root() / "batches.meta.txt");

  ExpectRefused("data_batch_4.bin, batches.meta.txt", "CIFAR-10");
}

TEST_F(CifarLayoutTest, LabelWithoutANameIsRefusedWithItsPlace) {
  WriteCifar10(root(), 20);
  std::fstream file(root() / "data_batch_5.bin", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(3 * 3073);
  file.put(static_cast<char>(200));
  file.close();

  ExpectRefused("data_batch_5.bin", "picture 3 has the label 200");
}

TEST_F(CifarLayoutTest, RepeatedNameIsRefused) {
  WriteCifar10(root(), 20);
  WriteBytes(root() / "batches.meta.txt", "cat\ndog\ncat\n");

  ExpectRefused("batches.meta.txt", "named twice: cat");
}

TEST_F(CifarLayoutTest, FolderOfBothAndThePythonVersionAreRefused) {
  WriteCifar10(root(), 20);
  WriteBytes(root() / "train.bin", CifarRecord({4, 1}, 50));
  ExpectRefused(root().string(), "both CIFAR-10 and CIFAR-100");

  const TempDir python;
  for (const char* name : {"data_batch_1", "batches.meta"}) WriteBytes(python.path() / name, "x");
  ScanOptions options;
  options.path = python.path();
  EXPECT_THAT(ScanDataset(options, {}).status(),
              StatusIs(Code::kInvalidArgument, HasSubstr("binary version")));
}

TEST_F(CifarLayoutTest, SamePictureUnderTwoLabelsIsLeftOutAndNamed) {
  WriteCifar10(root(), 20);
  std::string bytes = CifarRecord({0}, 500);
  bytes[0] = 1;  // the pixels of label 0
  std::ofstream(root() / "data_batch_1.bin", std::ios::binary | std::ios::app)
      << CifarRecord({0}, 500) << bytes;

  const auto report = Scan();

  ASSERT_OK(report);
  ASSERT_EQ(report->bad_images.size(), 2U);
  EXPECT_EQ(report->bad_images[0].path, root() / "data_batch_1.bin#00020");
  EXPECT_THAT(report->bad_images[0].reason, HasSubstr("data_batch_1.bin#00021"));
}

TEST_F(CifarLayoutTest, PictureThatIsGoneIsNamedWhenItIsLoaded) {
  WriteCifar10(root(), 2);
  const fs::path path = root() / "data_batch_1.bin#00002";

  EXPECT_THAT(DecodeImageFile(path).status(), StatusIs(Code::kDataLoss, HasSubstr(path.string())));
  EXPECT_THAT(DecodeImageFile(root() / "absent" / "test_batch.bin#00000").status(),
              StatusIs(Code::kNotFound, HasSubstr("test_batch.bin")));
}

// Nothing is mapped at address 0: the kernel gives EIO, as of a disk that fails.
TEST(CifarFileTest, AFileWhoseStorageFailsIsNotSaidToLackThePicture) {
  const TempDir dir;
  fs::create_symlink("/proc/self/mem", dir.path() / "train.bin");

  EXPECT_THAT(ReadCifarPixels({dir.path() / "train.bin", 0}),
              StatusIs(Code::kAborted, HasSubstr("train.bin: Input/output error")));
}

TEST(CifarFileTest, OnlyAPathOfItsFormIsOfAPicture) {
  const auto picture = ParseCifarPicturePath("/d/train.bin#123456");
  ASSERT_TRUE(picture.has_value());
  EXPECT_EQ(picture->file, "/d/train.bin");
  EXPECT_EQ(picture->number, 123456);
  EXPECT_EQ(CifarPicturePath("/d/train.bin", 7), "/d/train.bin#00007");
  for (const char* path : {"/d/train.bin", "/d/other.bin#00001", "/d/train.bin#1",
                           "/d/train.bin#-0001", "/d/train.bin#0000x", "/d/a#00001.jpg"}) {
    EXPECT_FALSE(ParseCifarPicturePath(path).has_value()) << path;
  }
}

// What a member may write into a data set: links to files of others, and things to wait for.
class CifarLinksTest : public CifarLayoutTest {
 protected:
  CifarLinksTest() {
    WriteCifar10(data(), 40);
    WriteBytes(root() / "secret", "PRIVATE KEY\n");
  }

  fs::path data() const { return root() / "data"; }

  Result<ScanReport> ScanInside() const {
    ScanOptions options;
    options.path = data();
    options.allowed_roots = {data()};
    return ScanDataset(options, {});
  }

  void Link(const std::string& name, const fs::path& target) const {
    fs::remove(data() / name);
    fs::create_symlink(target, data() / name);
  }
};

TEST_F(CifarLinksTest, ALinkThatStaysInsideTheRootsIsFollowed) {
  fs::rename(data() / "batches.meta.txt", data() / "names");
  Link("batches.meta.txt", "names");

  EXPECT_OK(ScanInside());
}

TEST_F(CifarLinksTest, NoFileOfTheDataSetLeadsOutOfTheRoots) {
  for (const char* name : {"batches.meta.txt", "data_batch_2.bin", "test_batch.bin"}) {
    fs::rename(data() / name, root() / name);
    Link(name, root() / name);
    EXPECT_THAT(ScanInside().status(), StatusIs(Code::kPermissionDenied,
                                                HasSubstr(std::string(name) + ": leads outside")));
    fs::remove(data() / name);
    fs::rename(root() / name, data() / name);
  }
  Link("batches.meta.txt", root() / "secret");
  EXPECT_THAT(ScanInside().status(),
              StatusIs(Code::kPermissionDenied, ::testing::Not(HasSubstr("PRIVATE KEY"))));
}

TEST_F(CifarLinksTest, APictureThatLeadsOutOfTheRootsLaterIsNotRead) {
  ASSERT_OK(ScanInside());
  fs::rename(data() / "test_batch.bin", root() / "test_batch.bin");
  Link("test_batch.bin", root() / "test_batch.bin");

  const fs::path picture = CifarPicturePath(data() / "test_batch.bin", 0);
  EXPECT_OK(DecodeImageFile(picture));
  EXPECT_THAT(DecodeImageFile(picture, {data()}).status(),
              StatusIs(Code::kPermissionDenied, HasSubstr("leads outside")));
  EXPECT_THAT(JpegThumbnail(picture, 32, {data()}).status(),
              StatusIs(Code::kPermissionDenied, HasSubstr("leads outside")));
}

TEST_F(CifarLinksTest, APipeIsNotWaitedFor) {
  fs::remove(data() / "batches.meta.txt");
  ASSERT_EQ(::mkfifo((data() / "batches.meta.txt").c_str(), 0600), 0);

  EXPECT_THAT(ScanInside().status(),
              StatusIs(Code::kInvalidArgument, HasSubstr("not batches.meta.txt")));
}

}  // namespace
}  // namespace distill::core
