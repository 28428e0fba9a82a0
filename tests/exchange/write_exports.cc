// write_exports FOLDER [PHOTOGRAPHS WEIGHTS]: writes, for each of some architectures,
// NAME.safetensors, NAME.pth and NAME.onnx as distillctl does, and NAME.expected.safetensors with
// "images" and the "logits" that our own network makes of them. With PHOTOGRAPHS, a folder of them,
// and WEIGHTS, of a MobileNetV2 for ImageNet, "photographs" stands beside the architectures: images
// are then what the data path makes of real files.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/architecture.h"
#include "core/base/durable_file.h"
#include "core/checkpoint/initial_weights.h"
#include "core/checkpoint/tensor_file.h"
#include "core/data/batch_source.h"
#include "core/device/device.h"
#include "core/device/image_normalizer.h"
#include "core/format/onnx_graph.h"
#include "core/format/state_dict_file.h"
#include "core/model/model.h"
#include "core/model/onnx_tracer.h"

namespace distill::core {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kClasses = 7;
constexpr int64_t kImageSize = 64;
const std::set<std::string> kDeeper = {
    "resnet101",  "resnet152",   "efficientnet_v2_l", "resnet14",   "resnet20",   "resnet32",
    "resnet44",   "resnet56",    "resnet110",         "resnet32x4", "resnet32-a", "resnet44-a",
    "resnet56-a", "resnet110-a", "wrn-40-1",          "wrn-40-2"};

// Fresh networks normalise with 0 and 1, which hides what is wrong with a batch norm.
void DrawStatistics(const Model& model) {
  for (const NamedTensor& named : model.State()) {
    at::Tensor tensor = named.tensor;
    const at::NoGradGuard no_grad;
    const auto ends_with = [&](const std::string& end) {
      return named.name.size() > end.size() &&
             named.name.compare(named.name.size() - end.size(), end.size(), end) == 0;
    };
    if (ends_with("running_mean")) tensor.uniform_(-0.2, 0.2);
    if (ends_with("running_var")) tensor.uniform_(0.5, 2.0);
    if (ends_with("num_batches_tracked")) tensor.fill_(41);
    if (named.kind == TensorKind::kNormWeight) tensor.uniform_(0.5, 1.5);
    if (named.kind == TensorKind::kBias) tensor.uniform_(-0.1, 0.1);
  }
}

struct Export {
  std::string name;
  std::string architecture;
  Model& model;
  at::Tensor images;
};

Status Write(const Export& from, const fs::path& folder) {
  const at::NoGradGuard no_grad;
  from.model.SetTraining(false);
  const at::Tensor logits = from.model.Forward(from.images, /*want_blocks=*/false).logits;
  TensorFile expected;
  expected.tensors = {{"images", from.images}, {"logits", logits}};
  DISTILL_RETURN_IF_ERROR(
      WriteSafetensors(folder / (from.name + ".expected.safetensors"), expected));

  TensorFile file;
  file.tensors = from.model.State();
  file.metadata = {{"model", from.architecture}, {"class_names", "[\"wren\", \"r\u00e4ven\"]"}};
  const fs::path weights = folder / (from.name + ".safetensors");
  DISTILL_RETURN_IF_ERROR(WriteSafetensors(weights, file));
  DISTILL_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(weights));
  DISTILL_ASSIGN_OR_RETURN(const SafetensorsView view, ViewSafetensors(bytes));
  DISTILL_RETURN_IF_ERROR(WriteStateDictFile(folder / (from.name + ".pth"), view));
  DISTILL_ASSIGN_OR_RETURN(const std::string graph,
                           OnnxGraphOf(from.model, from.architecture, from.images.size(2)));
  DISTILL_ASSIGN_OR_RETURN(const std::string onnx, CompleteOnnx(graph, view));
  return ReplaceFile(folder / (from.name + ".onnx"), onnx);
}

Status WriteFresh(const std::string& architecture, const fs::path& folder) {
  SeedGenerators(5);
  DISTILL_ASSIGN_OR_RETURN(const std::unique_ptr<Model> model, CreateModel(architecture, kClasses));
  DrawStatistics(*model);
  return Write({architecture, architecture, *model, at::randn({3, 3, kImageSize, kImageSize})},
               folder);
}

// What the data path makes of the first photographs of a folder, normalised for ImageNet.
Result<at::Tensor> ReadPhotographs(const fs::path& photographs) {
  constexpr size_t kCount = 8;
  std::vector<ManifestEntry> entries;
  for (const fs::directory_entry& file : fs::directory_iterator(photographs)) {
    entries.push_back({file.path(), 0, Split::kTest, ""});
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& left, const auto& right) { return left.path < right.path; });
  entries.resize(std::min(kCount, entries.size()));
  BatchSourceOptions options;
  options.batch_size = kCount;
  DISTILL_ASSIGN_OR_RETURN(const auto source, CreateBatchSource(std::move(entries), options));
  source->StartEpoch(0);
  DISTILL_ASSIGN_OR_RETURN(const std::optional<Batch> batch, source->Next());
  const ImageNormalizer normalizer({0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}, at::kCPU);
  return normalizer.Apply(batch->images).to(at::kFloat);
}

Status WriteOfPhotographs(const fs::path& photographs, const fs::path& weights,
                          const fs::path& folder) {
  constexpr int64_t kImageNetClasses = 1000;
  DISTILL_ASSIGN_OR_RETURN(const std::unique_ptr<Model> model,
                           CreateModel("mobilenetv2", kImageNetClasses));
  DISTILL_ASSIGN_OR_RETURN(const TensorFile file, ReadTensorFile(weights));
  DISTILL_RETURN_IF_ERROR(LoadExact(*model, file.tensors));
  DISTILL_ASSIGN_OR_RETURN(const at::Tensor images, ReadPhotographs(photographs));
  return Write({"photographs", "mobilenetv2", *model, images}, folder);
}

Status Run(const std::vector<std::string>& arguments) {
  const fs::path folder = arguments.at(0);
  for (const Architecture& architecture : Architectures()) {
    // The deeper ones of a family have the same parts. Of a VGG, 64 pixels are the odd case.
    const std::string name(architecture.name);
    if (kDeeper.count(name) > 0) continue;
    DISTILL_RETURN_IF_ERROR(WriteFresh(name, folder).WithContext(name));
  }
  if (arguments.size() < 3) return Status::Ok();
  return WriteOfPhotographs(arguments.at(1), arguments.at(2), folder);
}

}  // namespace
}  // namespace distill::core

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: write_exports FOLDER [PHOTOGRAPHS WEIGHTS]\n";
    return 2;
  }
  const distill::Status status = distill::core::Run({argv + 1, argv + argc});
  if (!status.ok()) std::cerr << status << '\n';
  return status.ok() ? 0 : 1;
}
