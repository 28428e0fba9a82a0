#include "core/train/batch_shards.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace distill::core {
namespace {

using ::testing::ElementsAre;

MixedBatch Numbered(int64_t num_images) {
  MixedBatch batch;
  batch.images = at::arange(num_images, at::kFloat).view({num_images, 1, 1, 1});
  batch.labels.labels = at::arange(num_images, at::kLong);
  return batch;
}

std::vector<int64_t> Sizes(int64_t num_images, size_t max_shards) {
  std::vector<int64_t> sizes;
  for (const BatchShard& shard : SplitBatch(Numbered(num_images), max_shards)) {
    sizes.push_back(shard.batch.images.size(0));
  }
  return sizes;
}

TEST(BatchShardsTest, PartsAreAsEqualAsCanBe) {
  EXPECT_THAT(Sizes(8, 2), ElementsAre(4, 4));
  EXPECT_THAT(Sizes(11, 3), ElementsAre(4, 4, 3));
  EXPECT_THAT(Sizes(5, 1), ElementsAre(5));
}

TEST(BatchShardsTest, NoPartHoldsOneImage) {
  EXPECT_THAT(Sizes(5, 4), ElementsAre(3, 2));
  EXPECT_THAT(Sizes(3, 2), ElementsAre(3));
}

TEST(BatchShardsTest, EveryImageAndLabelIsInOnePart) {
  MixedBatch batch = Numbered(7);
  batch.labels.mixed_labels = batch.labels.labels.flip({0});
  batch.labels.lambda = 0.25;
  std::vector<at::Tensor> images;
  std::vector<at::Tensor> labels;
  std::vector<at::Tensor> mixed;
  double shares = 0;

  for (const BatchShard& shard : SplitBatch(batch, 3)) {
    images.push_back(shard.batch.images);
    labels.push_back(shard.batch.labels.labels);
    mixed.push_back(shard.batch.labels.mixed_labels);
    EXPECT_EQ(shard.batch.labels.lambda, 0.25);
    shares += shard.share;
  }

  EXPECT_TRUE(at::equal(at::cat(images), batch.images));
  EXPECT_TRUE(at::equal(at::cat(labels), batch.labels.labels));
  EXPECT_TRUE(at::equal(at::cat(mixed), batch.labels.mixed_labels));
  EXPECT_DOUBLE_EQ(shares, 1.0);
}

}  // namespace
}  // namespace distill::core
