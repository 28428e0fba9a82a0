#include "core/data/batch_source.h"

#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>

#include "core/base/durable_file.h"
#include "core/data/crop.h"
#include "core/data/image_resize.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"
#include "tests/unit/core/data/image_file.h"
#include "tests/unit/core/data/synthetic_image.h"

namespace distill::core {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::distill::testing::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kImages = 11;

// Eleven pictures of different sizes.
class BatchSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < kImages; ++i) {
      const auto path = dir_.path() / (std::to_string(i) + ".ppm");
      ASSERT_OK(WriteFile(path, EncodePpm(PictureOf(i))));
      entries_.push_back({path, i % 3, Split::kTrain, ""});
    }
  }

  static RgbImage PictureOf(int i) { return SyntheticImage(30 + 3 * i, 45 - i); }

  static BatchSourceOptions Training() {
    BatchSourceOptions options;
    options.image_size = 20;
    options.batch_size = 4;
    options.seed = 5;
    options.is_training = true;
    options.augmentation.flip_probability = 0.5;
    options.augmentation.policy = AugmentationPolicy::kRandAugment;
    options.augmentation.cutout_holes = 1;
    options.augmentation.cutout_length = 4;
    return options;
  }

  std::vector<Batch> Epoch(const BatchSourceOptions& options, int64_t epoch,
                           int64_t first_batch = 0) const {
    auto source = CreateBatchSource(entries_, options).value();
    return EpochOf(*source, epoch, first_batch);
  }

  static std::vector<Batch> EpochOf(BatchSource& source, int64_t epoch, int64_t first_batch = 0) {
    source.StartEpoch(epoch, first_batch);
    std::vector<Batch> batches;
    while (true) {
      Result<std::optional<Batch>> batch = source.Next();
      EXPECT_OK(batch);
      if (!batch.ok() || !batch->has_value()) return batches;
      batches.push_back(std::move(**batch));
    }
  }

  static void ExpectEqual(const std::vector<Batch>& left, const std::vector<Batch>& right) {
    ASSERT_EQ(left.size(), right.size());
    for (size_t i = 0; i < left.size(); ++i) {
      EXPECT_EQ(left[i].indices, right[i].indices) << i;
      EXPECT_TRUE(at::equal(left[i].labels, right[i].labels)) << i;
      EXPECT_TRUE(at::equal(left[i].images, right[i].images)) << i;
    }
  }

  static std::vector<int64_t> IndicesOf(const std::vector<Batch>& batches) {
    std::vector<int64_t> indices;
    for (const Batch& batch : batches) {
      indices.insert(indices.end(), batch.indices.begin(), batch.indices.end());
    }
    return indices;
  }

  TempDir dir_;
  std::vector<ManifestEntry> entries_;
};

// Returns picture `n` of a batch as an image again.
RgbImage PictureIn(const Batch& batch, int64_t n) {
  const auto size = static_cast<int>(batch.images.size(2));
  RgbImage image(size, size);
  const uint8_t* pixels =
      batch.images.data_ptr<uint8_t>() + n * static_cast<int64_t>(image.pixels.size());
  std::copy(pixels, pixels + image.pixels.size(), image.pixels.begin());
  return image;
}

TEST_F(BatchSourceTest, EvaluationGivesEveryImageInOrderResizedAndCroppedInTheMiddle) {
  BatchSourceOptions options;
  options.image_size = 20;
  options.batch_size = 4;

  const std::vector<Batch> batches = Epoch(options, 0);

  ASSERT_EQ(batches.size(), 3U);
  EXPECT_THAT(IndicesOf(batches), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_EQ(batches[2].images.sizes(), (at::IntArrayRef{3, 3, 20, 20}));
  EXPECT_TRUE(batches[0].images.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_EQ(batches[0].images.scalar_type(), at::kByte);
  for (int i = 0; i < kImages; ++i) {
    const Batch& batch = batches[static_cast<size_t>(i / 4)];
    const RgbImage source = PictureOf(i);
    const ImageSize size = SizeWithShorterSide(source.size(), 20);
    EXPECT_EQ(PictureIn(batch, i % 4).pixels,
              ResizeRegion(source, size, CenterSquare(size, 20)).pixels);
    EXPECT_EQ(batch.labels.data_ptr<int64_t>()[i % 4], i % 3);
  }
}

TEST_F(BatchSourceTest, TenCropsAreFivePlacesOfThePictureAndOfItsMirrorImage) {
  BatchSourceOptions options;
  options.image_size = 20;
  options.batch_size = 2;
  options.ten_crop = true;

  const std::vector<Batch> batches = Epoch(options, 0);

  ASSERT_EQ(batches[1].images.sizes(), (at::IntArrayRef{20, 3, 20, 20}));
  const RgbImage source = PictureOf(3);
  const ImageSize size = SizeWithShorterSide(source.size(), 22);
  RgbImage whole = ResizeRegion(source, size, {0, 0, size.width, size.height});
  for (int64_t pass = 0; pass < 2; ++pass) {
    const auto squares = FiveSquares(size, 20);
    for (size_t i = 0; i < 5; ++i) {
      const int64_t n = 10 + pass * 5 + static_cast<int64_t>(i);
      EXPECT_EQ(PictureIn(batches[1], n).pixels, Crop(whole, squares[i]).pixels) << n;
    }
    MirrorHorizontally(whole);
  }
}

TEST_F(BatchSourceTest, NumberOfThreadsAndPrefetchedBatchesChangeNothing) {
  const BatchSourceOptions one = Training();
  BatchSourceOptions four = Training();
  four.num_threads = 4;
  four.prefetch_batches = 7;

  for (const auto policy :
       {AugmentationPolicy::kAutoAugment, AugmentationPolicy::kAugMix,
        AugmentationPolicy::kTrivialAugmentWide, AugmentationPolicy::kRandAugment}) {
    BatchSourceOptions first = one;
    BatchSourceOptions second = four;
    first.augmentation.policy = second.augmentation.policy = policy;
    ExpectEqual(Epoch(first, 2), Epoch(second, 2));
  }
}

TEST_F(BatchSourceTest, TrainingShufflesEachEpochAnewAndSeesEveryImageOnce) {
  const std::vector<int64_t> first = IndicesOf(Epoch(Training(), 0));
  const std::vector<int64_t> second = IndicesOf(Epoch(Training(), 1));
  BatchSourceOptions other_seed = Training();
  other_seed.seed = 6;

  EXPECT_NE(first, second);
  EXPECT_NE(first, IndicesOf(Epoch(other_seed, 0)));
  EXPECT_EQ(first, IndicesOf(Epoch(Training(), 0)));
  for (std::vector<int64_t> indices : {first, second}) {
    std::sort(indices.begin(), indices.end());
    EXPECT_THAT(indices, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  }
}

TEST_F(BatchSourceTest, ResumingAtABatchGivesTheRestOfTheEpoch) {
  const std::vector<Batch> whole = Epoch(Training(), 3);

  for (size_t first = 0; first <= whole.size(); ++first) {
    const std::vector<Batch> rest = Epoch(Training(), 3, static_cast<int64_t>(first));
    ExpectEqual(rest, {whole.begin() + static_cast<ptrdiff_t>(first), whole.end()});
  }
}

TEST_F(BatchSourceTest, EpochsOfOneSourceEqualThoseOfFreshSources) {
  auto source = CreateBatchSource(entries_, Training()).value();

  source->StartEpoch(0);
  ASSERT_OK(source->Next());  // left in the middle

  ExpectEqual(EpochOf(*source, 1), Epoch(Training(), 1));
  ExpectEqual(EpochOf(*source, 0), Epoch(Training(), 0));
}

TEST_F(BatchSourceTest, CacheChangesNothingWhetherItHoldsAllOrAPart) {
  const std::vector<Batch> first = Epoch(Training(), 0);
  const std::vector<Batch> second = Epoch(Training(), 1);
  for (const int64_t cache_bytes : {int64_t{1}, int64_t{9000}, int64_t{1} << 30U}) {
    BatchSourceOptions options = Training();
    options.cache_bytes = cache_bytes;
    options.num_threads = 3;
    auto source = CreateBatchSource(entries_, options).value();

    ExpectEqual(EpochOf(*source, 0), first);
    ExpectEqual(EpochOf(*source, 1), second);
  }
}

TEST_F(BatchSourceTest, CachedImagesAreNotReadAgain) {
  for (const bool is_ten_crop : {false, true}) {
    BatchSourceOptions options;
    options.image_size = 20;
    options.batch_size = 4;
    options.ten_crop = is_ten_crop;
    options.cache_bytes = int64_t{1} << 30U;
    auto source = CreateBatchSource(entries_, options).value();
    const std::vector<Batch> first = EpochOf(*source, 0);
    const std::string bytes = ReadFile(entries_[4].path).value();
    std::filesystem::remove(entries_[4].path);

    ExpectEqual(EpochOf(*source, 1), first);

    ASSERT_OK(WriteFile(entries_[4].path, bytes));
  }
}

TEST_F(BatchSourceTest, DropLastLeavesOutASmallerBatchButNeverTheOnlyOne) {
  BatchSourceOptions options = Training();
  options.drop_last = true;
  EXPECT_EQ(Epoch(options, 0).size(), 2U);
  options.batch_size = 11;
  EXPECT_EQ(Epoch(options, 0).size(), 1U);
  options.batch_size = 12;
  EXPECT_EQ(Epoch(options, 0).size(), 1U);
  EXPECT_EQ(CreateBatchSource(entries_, options).value()->num_batches(), 1);
}

TEST_F(BatchSourceTest, BadImageIsDataLossWithItsPathAndTheNextBatchFollows) {
  ASSERT_OK(WriteFile(entries_[5].path, "not an image"));
  std::filesystem::remove(entries_[6].path);
  BatchSourceOptions options;
  options.image_size = 20;
  options.batch_size = 4;
  options.num_threads = 2;
  auto source = CreateBatchSource(entries_, options).value();
  source->StartEpoch(0);

  EXPECT_OK(source->Next());
  EXPECT_THAT(source->Next(),
              StatusIs(Code::kDataLoss, AllOf(HasSubstr("5.ppm"), HasSubstr("not a JPEG"))));
  const Result<std::optional<Batch>> third = source->Next();
  ASSERT_OK(third);
  EXPECT_THAT((*third)->indices, ElementsAre(8, 9, 10));
}

TEST_F(BatchSourceTest, NextWithoutAnEpochFails) {
  auto source = CreateBatchSource(entries_, Training()).value();
  EXPECT_THAT(source->Next(), HasCode(Code::kFailedPrecondition));
}

TEST_F(BatchSourceTest, DestructionInMidEpochJoinsTheThreads) {
  BatchSourceOptions options = Training();
  options.num_threads = 4;
  for (int i = 0; i < 20; ++i) {
    auto source = CreateBatchSource(entries_, options).value();
    source->StartEpoch(i);
    if (i % 2 == 0) {
      ASSERT_OK(source->Next());
    }
  }
}

TEST_F(BatchSourceTest, OptionsOutOfRangeAreRefusedByName) {
  EXPECT_THAT(CreateBatchSource({}, Training()), HasCode(Code::kInvalidArgument));
  const auto refusal = [this](void (*change)(BatchSourceOptions&)) {
    BatchSourceOptions options = Training();
    change(options);
    const auto source = CreateBatchSource(entries_, options);
    return source.ok() ? "accepted" : source.status().message();
  };

  EXPECT_THAT(refusal([](BatchSourceOptions& o) { o.image_size = 0; }), HasSubstr("image size"));
  EXPECT_THAT(refusal([](BatchSourceOptions& o) { o.batch_size = -1; }), HasSubstr("batch size"));
  EXPECT_THAT(refusal([](BatchSourceOptions& o) { o.num_threads = 0; }), HasSubstr("threads"));
  EXPECT_THAT(refusal([](BatchSourceOptions& o) { o.prefetch_batches = 0; }),
              HasSubstr("prefetched"));
  EXPECT_THAT(refusal([](BatchSourceOptions& o) { o.cache_bytes = -1; }), HasSubstr("cache"));
  EXPECT_THAT(refusal([](BatchSourceOptions& o) { o.ten_crop = true; }), HasSubstr("ten-crop"));
  EXPECT_THAT(refusal([](BatchSourceOptions& o) { o.augmentation.flip_probability = 2; }),
              HasSubstr("flip"));
}

// The published crop for CIFAR: a window of the picture's size over the picture with a border. The
// places are uniform: each of the 9x9 comes up.
TEST_F(BatchSourceTest, CropWithABorderShowsThePictureShiftedByUpToTheBorder) {
  constexpr int kSide = 20;
  constexpr int kBorder = 4;
  const auto path = dir_.path() / "square.ppm";
  const RgbImage picture = SyntheticImage(kSide, kSide);
  ASSERT_OK(WriteFile(path, EncodePpm(picture)));
  BatchSourceOptions options;
  options.image_size = kSide;
  options.is_training = true;
  options.augmentation.crop_padding = kBorder;
  options.cache_bytes = 1 << 20;
  auto source = CreateBatchSource({{path, 0, Split::kTrain, ""}}, options).value();
  std::set<std::pair<int, int>> places;

  for (int64_t epoch = 0; epoch < 1000; ++epoch) {
    source->StartEpoch(epoch);
    const Batch batch = std::move(*source->Next().value());
    const auto* pixels = batch.images.data_ptr<uint8_t>();
    for (int x = -kBorder; x <= kBorder; ++x) {
      for (int y = -kBorder; y <= kBorder; ++y) {
        const RgbImage shifted = CropOrBlack(picture, {x, y, kSide, kSide});
        if (std::equal(shifted.pixels.begin(), shifted.pixels.end(), pixels)) places.insert({x, y});
      }
    }
  }

  EXPECT_EQ(places.size(), 81U);
}

TEST_F(BatchSourceTest, CropWithABorderDoesNotDependOnTheCache) {
  BatchSourceOptions options = Training();
  options.augmentation.crop_padding = 3;
  const std::vector<Batch> without = Epoch(options, 1);

  options.cache_bytes = 1 << 20;

  ExpectEqual(Epoch(options, 1), without);
}

}  // namespace
}  // namespace distill::core
