#include "core/data/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/durable_file.h"
#include "core/base/sha256.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::core {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::distill::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ManifestEntry Entry(const char* path, int32_t class_index, Split split) {
  return {path, class_index, split, Sha256Hex(path)};
}

Manifest ThreeImages() {
  return {{"cat", "dog, \"big\"\nor small"},
          {Entry("/data/a,b.jpg", 0, Split::kTrain), Entry("/data/\"c\".jpg", 1, Split::kVal),
           Entry("/data/line\nbreak.jpg", 1, Split::kTest)}};
}

TEST(ManifestTest, WhatIsWrittenIsReadAgainWhateverTheNames) {
  const TempDir dir;
  const Manifest written = ThreeImages();
  ASSERT_OK(WriteManifest(dir.path() / "m.csv", written));

  const Result<Manifest> read = ReadManifest(dir.path() / "m.csv");

  ASSERT_OK(read);
  EXPECT_EQ(read->class_names, written.class_names);
  ASSERT_EQ(read->entries.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(read->entries[i].path, written.entries[i].path);
    EXPECT_EQ(read->entries[i].class_index, written.entries[i].class_index);
    EXPECT_EQ(read->entries[i].split, written.entries[i].split);
    EXPECT_EQ(read->entries[i].sha256, written.entries[i].sha256);
  }
  EXPECT_EQ(ManifestSha256(*read), ManifestSha256(written));
}

TEST(ManifestTest, AbsentFileIsNotFound) {
  EXPECT_THAT(ReadManifest("/nowhere/m.csv"), HasCode(Code::kNotFound));
}

TEST(ManifestTest, DamageIsFoundAndItsLineNamed) {
  const TempDir dir;
  const auto path = dir.path() / "m.csv";
  const std::string good = "path,class,split,sha256\n/a.jpg,cat,train," + Sha256Hex("a") + "\n";
  const std::string bad_lines[] = {
      "/b.jpg,dog,train\n",                            // a field is missing
      "/b.jpg,dog,training," + Sha256Hex("b") + "\n",  // no such split
      "b.jpg,dog,train," + Sha256Hex("b") + "\n",      // relative
      "/b.jpg,dog,train,abc\n",                        // no hash
      "/b.jpg,dog,train," + Sha256Hex("b"),            // cut short: no line feed
      "\"/b.jpg,dog,train," + Sha256Hex("b") + "\n",   // a quote is not closed
  };
  for (const std::string& bad : bad_lines) {
    ASSERT_OK(ReplaceFile(path, good + bad));
    EXPECT_THAT(ReadManifest(path), StatusIs(Code::kDataLoss, HasSubstr("line 3"))) << bad;
  }
  ASSERT_OK(ReplaceFile(path, "something else\n"));
  EXPECT_THAT(ReadManifest(path), StatusIs(Code::kDataLoss, HasSubstr("line 1")));
  ASSERT_OK(ReplaceFile(path, ""));
  EXPECT_THAT(ReadManifest(path), HasCode(Code::kDataLoss));
}

TEST(ManifestTest, ClassesWithoutAnImageAreKept) {
  const TempDir dir;
  Manifest manifest = ThreeImages();
  manifest.class_names.push_back("zebra, Grevy's");
  ASSERT_OK(WriteManifest(dir.path() / "m.csv", manifest));

  const auto read = ReadManifest(dir.path() / "m.csv");

  ASSERT_OK(read);
  EXPECT_EQ(read->class_names, manifest.class_names);
  EXPECT_EQ(read->entries.size(), 3U);
  EXPECT_EQ(ManifestSha256(*read), ManifestSha256(manifest));
}

TEST(ManifestTest, WhatCouldNotBeReadAgainIsNotWritten) {
  const TempDir dir;
  Manifest no_hash = ThreeImages();
  no_hash.entries[0].sha256 = "";
  Manifest unsorted = ThreeImages();
  std::swap(unsorted.class_names[0], unsorted.class_names[1]);

  for (const Manifest& manifest : {no_hash, unsorted}) {
    EXPECT_THAT(WriteManifest(dir.path() / "m.csv", manifest), HasCode(Code::kInvalidArgument));
  }
}

TEST(ManifestTest, SplitsAreSelectedAndCounted) {
  const Manifest manifest = ThreeImages();

  ASSERT_EQ(manifest.EntriesOf(Split::kVal).size(), 1U);
  EXPECT_EQ(manifest.EntriesOf(Split::kVal)[0].path, "/data/\"c\".jpg");
  EXPECT_THAT(manifest.ImagesPerClass(Split::kTrain), ElementsAre(1, 0));
  EXPECT_THAT(manifest.ImagesPerClass(Split::kTest), ElementsAre(0, 1));
}

TEST(ManifestTest, HashTellsContentLabelAndSplitButNotTheFolder) {
  const Manifest manifest = ThreeImages();
  const std::string hash = ManifestSha256(manifest);
  Manifest moved = manifest;
  moved.entries[0].path = "/elsewhere/a,b.jpg";
  Manifest relabelled = manifest;
  relabelled.entries[0].class_index = 1;
  Manifest resplit = manifest;
  resplit.entries[0].split = Split::kVal;
  Manifest renamed = manifest;
  renamed.class_names[0] = "cow";
  Manifest changed = manifest;
  changed.entries[0].sha256 = Sha256Hex("other");

  EXPECT_EQ(ManifestSha256(moved), hash);
  for (const Manifest& other : {relabelled, resplit, renamed, changed}) {
    EXPECT_NE(ManifestSha256(other), hash);
  }
}

}  // namespace
}  // namespace distill::core
