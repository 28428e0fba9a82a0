#include "core/eval/even_batches.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace distill::core {
namespace {

// Gives its input back as every output that it has, and keeps it.
class EchoModel final : public Model {
 public:
  ModelOutput Forward(const at::Tensor& images, bool want_blocks) override {
    seen = images;
    ModelOutput output;
    output.logits = images.flatten(1);
    output.embedding = output.logits * 2;
    if (want_blocks) output.blocks[0] = images * 3;
    return output;
  }
  std::pair<std::string, std::string> classifier_names() const override { return {"w", "b"}; }

  at::Tensor seen;
};

TEST(EvenBatchesTest, ASmallerBatchIsRunAsLargeAsTheLargestBeforeAndCutAgain) {
  EvenBatches even_batches;
  EchoModel model;
  const at::Tensor small = at::rand({2, 3, 4, 4}).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor large = at::rand({5, 3, 4, 4});
  even_batches.Forward(model, small, /*want_blocks=*/false);
  EXPECT_TRUE(model.seen.is_same(small));  // nothing larger was seen
  even_batches.Forward(model, large, /*want_blocks=*/false);
  EXPECT_TRUE(model.seen.is_same(large));

  const ModelOutput output = even_batches.Forward(model, small, /*want_blocks=*/true);

  ASSERT_EQ(model.seen.sizes(), at::IntArrayRef({5, 3, 4, 4}));
  EXPECT_TRUE(model.seen.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_EQ(model.seen.narrow(0, 2, 3).abs().max().item<float>(), 0);
  EXPECT_TRUE(at::equal(output.logits, small.flatten(1)));
  EXPECT_TRUE(at::equal(output.embedding, small.flatten(1) * 2));
  EXPECT_TRUE(at::equal(output.blocks[0], small * 3));
  EXPECT_FALSE(output.blocks[1].defined());
}

}  // namespace
}  // namespace distill::core
