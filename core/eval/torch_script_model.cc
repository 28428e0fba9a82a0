#include "core/eval/torch_script_model.h"

#include <ATen/ATen.h>

#include "core/checkpoint/tensor_file.h"

namespace distill::core {
namespace {

constexpr int64_t kTrialImages = 2;
constexpr const char* kContract =
    "a tensor of logits, or a tuple (logits, block 1, block 2, block 3, block 4, embedding) in "
    "which "
    "None leaves a block out and the end may be missing";

std::string SizesText(const at::Tensor& tensor) {
  if (!tensor.defined()) return "None";
  std::string text;
  for (const int64_t size : tensor.sizes())
    text += (text.empty() ? "" : "x") + std::to_string(size);
  if (tensor.dim() == 0) text = "a single number";
  return tensor.is_floating_point() ? text : text + " of " + toString(tensor.scalar_type());
}

bool IsBatch(const at::Tensor& tensor, int64_t num_dimensions, int64_t num_images) {
  return tensor.is_floating_point() && tensor.dim() == num_dimensions &&
         tensor.size(0) == num_images;
}

// What a program returned for a batch, as what it means.
class Reading {
 public:
  Reading(const std::vector<at::Tensor>& returned, int64_t num_images)
      : returned_(returned), num_images_(num_images) {}

  Result<ModelOutput> Read() {
    for (size_t i = 0; i < returned_.size(); ++i) DISTILL_RETURN_IF_ERROR(ReadElement(i));
    if (!output_.logits.defined()) return Refused("returned an empty tuple");
    return output_;
  }

 private:
  Status ReadElement(size_t i) {
    const at::Tensor& tensor = returned_[i];
    if (i == 0) {
      if (!tensor.defined() || !IsBatch(tensor, 2, num_images_)) {
        return Mismatch(i, "logits, a tensor [images, classes]");
      }
      output_.logits = tensor.to(at::kFloat);
      return Status::Ok();
    }
    if (output_.embedding.defined()) return Mismatch(i, "left out: nothing follows the embedding");
    const bool is_absent = !tensor.defined() || tensor.numel() == 0;
    if (!is_absent && IsBatch(tensor, 2, num_images_)) {
      output_.embedding = tensor.to(at::kFloat);
      return Status::Ok();
    }
    if (num_blocks_ == output_.blocks.size()) {
      return Mismatch(
          i, "the embedding, a tensor [images, numbers]: there are no more than four blocks");
    }
    if (!is_absent && !IsBatch(tensor, 4, num_images_)) {
      return Mismatch(i, "the features of block " + std::to_string(num_blocks_ + 1) +
                             ", a tensor [images, channels, height, width], or the embedding, a "
                             "tensor [images, numbers]");
    }
    if (!is_absent) output_.blocks[num_blocks_] = tensor.to(at::kFloat);
    ++num_blocks_;
    return Status::Ok();
  }

  Status Mismatch(size_t i, const std::string& expected) const {
    return Refused("returned " + SizesText(returned_[i]) + " as output " + std::to_string(i + 1) +
                   ", which must be " + expected);
  }

  Status Refused(const std::string& what) const {
    return {Code::kInvalidArgument, "for " + std::to_string(num_images_) + " images the program " +
                                        what + "; it must return " + kContract};
  }

  const std::vector<at::Tensor>& returned_;
  const int64_t num_images_;
  size_t num_blocks_ = 0;
  ModelOutput output_;
};

std::string OutputsText(const ModelOutput& output) {
  std::string text = "logits " + SizesText(output.logits);
  for (size_t i = 0; i < output.blocks.size(); ++i) {
    if (!output.blocks[i].defined()) continue;
    text += ", block " + std::to_string(i + 1) + " " + SizesText(output.blocks[i]);
  }
  if (output.embedding.defined()) text += ", embedding " + SizesText(output.embedding);
  return text;
}

Status CheckClasses(const at::Tensor& logits, int64_t num_outputs) {
  if (logits.size(1) == num_outputs) return Status::Ok();
  return {Code::kInvalidArgument,
          "the program has logits of " + std::to_string(logits.size(1)) + " classes, not of the " +
              std::to_string(num_outputs) +
              " that the data set or, with a class map, the list of the teacher's classes has"};
}

}  // namespace

TorchScriptModel::TorchScriptModel(std::unique_ptr<TorchScript> program)
    : program_(std::move(program)) {
  int64_t count = 0;
  for (const at::Tensor& tensor : program_->Tensors()) {
    AddTensor(std::to_string(count++), tensor, TensorKind::kBuffer);
  }
  SetTraining(false);
}

Result<std::unique_ptr<TorchScriptModel>> TorchScriptModel::Load(const TorchScriptOptions& options,
                                                                 const at::Device& device) {
  const std::string path = options.path.string();
  if (options.image_size < 1) {
    return Status(Code::kInvalidArgument, path + ": a TorchScript teacher needs an image size");
  }
  DISTILL_RETURN_IF_ERROR(CheckTorchScriptFile(options.path, options.roots));
  Result<std::unique_ptr<TorchScript>> program =
      TorchScript::Load(options.path, device, options.roots);
  if (!program.ok()) return program.status().WithContext(path);
  std::unique_ptr<TorchScriptModel> model(new TorchScriptModel(std::move(*program)));
  const at::Tensor images = at::zeros({kTrialImages, 3, options.image_size, options.image_size},
                                      at::device(device).dtype(at::kFloat));
  const Result<ModelOutput> output = model->Run(images);
  if (!output.ok()) {
    return output.status().WithContext(path + ", tried with images of " + SizesText(images));
  }
  const Status same_classes = CheckClasses(output->logits, options.num_outputs);
  if (!same_classes.ok()) return same_classes.WithContext(path);
  model->outputs_ = OutputsText(*output);
  return model;
}

Result<ModelOutput> TorchScriptModel::Run(const at::Tensor& images) {
  DISTILL_ASSIGN_OR_RETURN(const std::vector<at::Tensor> returned, program_->Run(images));
  return Reading(returned, images.size(0)).Read();
}

ModelOutput TorchScriptModel::Forward(const at::Tensor& images, bool want_blocks) {
  Result<ModelOutput> output = Run(images);
  TORCH_CHECK(output.ok(), output.status().message());
  if (!want_blocks) output->blocks = {};
  return *output;
}

}  // namespace distill::core
