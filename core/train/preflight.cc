#include "core/train/preflight.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "core/base/plain_text.h"
#include "core/data/batch_source.h"
#include "core/device/memory_meter.h"
#include "core/train/evaluation_mode.h"

namespace distill::core {
namespace {

// Enough to tell a teacher from chance; on a CPU a few seconds of a large one.
constexpr int64_t kImagesOnCpu = 64;
constexpr int64_t kImagesOnGpu = 512;

int64_t ImagesToTry(const PreflightPlan& plan) {
  return plan.device.is_cuda() ? kImagesOnGpu : kImagesOnCpu;
}

std::string Percent(double share) {
  char text[16];
  std::snprintf(text, sizeof(text), "%.1f %%", 100 * share);
  return text;
}

std::string Amount(int64_t bytes) {
  constexpr double kMebi = 1 << 20;
  constexpr double kGibi = 1 << 30;
  const auto amount = static_cast<double>(bytes);
  char text[32];
  if (amount < kGibi) {
    std::snprintf(text, sizeof(text), "%.1f MiB", amount / kMebi);
  } else {
    std::snprintf(text, sizeof(text), "%.2f GiB", amount / kGibi);
  }
  return text;
}

int64_t BytesOf(const NamedTensors& tensors) {
  int64_t bytes = 0;
  for (const NamedTensor& tensor : tensors) {
    bytes += tensor.tensor.numel() * static_cast<int64_t>(tensor.tensor.element_size());
  }
  return bytes;
}

// Evenly from all of the val split, whose images lie class by class.
std::vector<ManifestEntry> SomeOfVal(const Manifest& manifest, int64_t wanted) {
  const std::vector<ManifestEntry> all = manifest.EntriesOf(Split::kVal);
  const auto count = std::min(wanted, static_cast<int64_t>(all.size()));
  std::vector<ManifestEntry> some;
  for (int64_t i = 0; i < count; ++i) {
    some.push_back(all[static_cast<size_t>(i * static_cast<int64_t>(all.size()) / count)]);
  }
  return some;
}

class Preflight {
 public:
  Preflight(const PreflightPlan& plan, RunListener& listener) : plan_(plan), listener_(listener) {}

  Status Run() {
    TellClasses();
    TellFoldedNorms();
    DISTILL_RETURN_IF_ERROR(TellPixelsAndTeachers());
    TellTerms();
    return CheckMemory();
  }

 private:
  void Tell(const std::string& text) {
    listener_.OnNotice(NoticeLevel::kInformation, "pre-flight: " + text);
  }
  void Warn(const std::string& text) {
    listener_.OnNotice(NoticeLevel::kWarning, "pre-flight: " + text);
  }

  void TellClasses() {
    const std::vector<int64_t> counts = plan_.manifest.ImagesPerClass(Split::kTrain);
    const auto fewest = std::min_element(counts.begin(), counts.end());
    const auto without = std::count(counts.begin(), counts.end(), 0);
    int64_t total = 0;
    for (const int64_t count : counts) total += count;
    Tell(std::to_string(counts.size()) + " classes, " + std::to_string(total) +
         " training images, " + std::to_string(plan_.manifest.EntriesOf(Split::kVal).size()) +
         " for validation; fewest of a class: " + std::to_string(*fewest) + " of " +
         plan_.manifest.class_names[static_cast<size_t>(fewest - counts.begin())]);
    if (plan_.options.num_bad_files > 0) {
      Tell(std::to_string(plan_.options.num_bad_files) +
           " bad files of the data set were left out (distillctl dataset show)");
    }
    if (without > 0) {
      Warn(std::to_string(without) + " classes have no training image and will not be learnt");
    }
  }

  // A network that infers well and trains to nothing: exports for inference have such weights.
  void TellFoldedNorms() {
    if (plan_.options.initial_weights.empty()) return;
    bool has_norms = false;
    for (const NamedTensor& tensor : plan_.student.State()) {
      const bool is_mean = EndsWith(tensor.name, "running_mean");
      if (!is_mean && !EndsWith(tensor.name, "running_var")) continue;
      has_norms = true;
      // An epsilon that was folded in too leaves a variance a little off 1.
      if (!at::allclose(tensor.tensor, at::full_like(tensor.tensor, is_mean ? 0 : 1), 1e-3, 1e-3)) {
        return;
      }
    }
    if (!has_norms) return;
    Warn(
        "the initial weights have no statistics in their batch norms (all means 0, all "
        "variances 1): they were folded into the convolutions for inference, and such weights "
        "train badly; take weights as they were trained");
  }

  Status TellPixelsAndTeachers() {
    std::vector<ManifestEntry> some = SomeOfVal(plan_.manifest, ImagesToTry(plan_));
    if (some.empty()) return Status::Ok();
    const auto num_images = static_cast<int64_t>(some.size());
    BatchSourceOptions source_options;
    source_options.image_size = plan_.options.image_size;
    source_options.batch_size = std::min(plan_.options.images_per_device(), ImagesToTry(plan_));
    source_options.num_threads = plan_.options.data_threads;
    source_options.pinned = plan_.device.is_cuda();
    source_options.roots = plan_.options.dataset_roots;
    DISTILL_ASSIGN_OR_RETURN(const std::unique_ptr<BatchSource> source,
                             CreateBatchSource(std::move(some), source_options));
    const TeacherEnsemble* teachers = plan_.objective.teachers();
    std::vector<int64_t> correct(teachers == nullptr ? 0 : teachers->teachers().size());
    source->StartEpoch(0);
    for (bool is_first = true;; is_first = false) {
      DISTILL_ASSIGN_OR_RETURN(const std::optional<Batch> batch, source->Next());
      if (!batch) break;
      const at::Tensor images = plan_.normalizer.Apply(batch->images);
      if (is_first) TellPixels(images);
      if (correct.empty()) break;
      for (size_t i = 0; i < correct.size(); ++i) {
        correct[i] += CorrectOf(teachers->teachers()[i], images, batch->labels.to(plan_.device));
      }
    }
    for (size_t i = 0; i < correct.size(); ++i) TellTeacher(i, correct[i], num_images);
    return Status::Ok();
  }

  int64_t CorrectOf(const Teacher& teacher, const at::Tensor& images,
                    const at::Tensor& labels) const {
    const AutocastScope autocast(plan_.device, plan_.amp);
    at::Tensor predicted = teacher.Forward(images, /*want_blocks=*/false).logits.argmax(1);
    if (teacher.classes().defined()) predicted = teacher.classes().index_select(0, predicted);
    return predicted.eq(labels).sum().item<int64_t>();
  }

  void TellPixels(const at::Tensor& images) {
    const double mean = images.mean().item<double>();
    const double deviation = images.std().item<double>();
    char text[96];
    std::snprintf(text, sizeof(text), "normalised pixels have mean %.2f and deviation %.2f", mean,
                  deviation);
    Tell(text);
    if (std::abs(mean) <= 2 && deviation >= 0.1 && deviation <= 5) return;
    Warn(
        "pixels should lie around 0 with a deviation near 1; are mean and deviation of "
        "the normalisation those of pixels in [0, 1]?");
  }

  void TellTeacher(size_t index, int64_t correct, int64_t num_images) {
    const TeacherEnsemble& ensemble = *plan_.objective.teachers();
    const std::string name =
        ensemble.teachers().size() == 1 ? "teacher" : "teacher " + std::to_string(index + 1);
    const double accuracy = static_cast<double>(correct) / static_cast<double>(num_images);
    const at::Tensor& known = ensemble.teachers()[index].classes();
    const std::string& returned = ensemble.teachers()[index].script_outputs();
    if (!returned.empty()) Tell(name + ": TorchScript, returns for 2 images " + returned);
    Tell(name + ": " + Percent(accuracy) + " of " + std::to_string(num_images) +
         " val images right" +
         (known.defined() ? ", knows " + std::to_string(known.size(0)) + " of the classes" : ""));
    const double chance = 1.0 / static_cast<double>(plan_.manifest.class_names.size());
    const double spread = std::sqrt(chance * (1 - chance) / static_cast<double>(num_images));
    if (accuracy > chance + 2 * spread) return;
    Warn(name +
         " is no better than chance: has it these classes in this order, and "
         "was it trained with this normalisation?");
  }

  void TellTerms() {
    for (const std::string& plan : plan_.objective.TermPlans()) Tell(plan);
  }

  Status CheckMemory() {
    const MemoryEstimate estimate = EstimateMemory(plan_);
    const int64_t images = plan_.options.images_per_device();
    const int64_t needed = estimate.fixed + images * estimate.per_image;
    const std::string text = "a step needs about " + Amount(needed) + " (" +
                             Amount(estimate.fixed) + " and " + Amount(estimate.per_image) +
                             " for each of " + std::to_string(images) + " images)";
    Tell(text);
    const int64_t limit = MemoryLimit();
    // The estimate is rough, and what fits must not be refused.
    if (limit == 0 || needed <= limit + limit / 2) return Status::Ok();
    return {Code::kFailedPrecondition, text + ", there are " + Amount(limit) +
                                           ": take a smaller batch_size or image_size, or more "
                                           "memory (--gpu-memory)"};
  }

  int64_t MemoryLimit() const {
    if (!plan_.device.is_cpu()) return plan_.options.memory_limit_bytes;
    return static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  }

  const PreflightPlan& plan_;
  RunListener& listener_;
};

}  // namespace

MemoryEstimate EstimateMemory(const PreflightPlan& plan) {
  // On a GPU as many as in a step, for which cuDNN has its plans then.
  const int64_t num_images = plan.device.is_cuda() ? plan.options.images_per_device() : 2;
  const int64_t num_forwards = plan.options.r_drop ? 2 : 1;
  MemoryEstimate estimate;
  // Gradients lie once as autograd leaves them and once in the optimiser's flat buffer.
  const int64_t parameters = BytesOf(plan.student.Parameters());
  estimate.fixed = BytesOf(plan.student.State()) + 2 * parameters +
                   BytesOf(plan.optimizer.State().tensors) +
                   (plan.options.average ? 2 * parameters : 0);
  const EvaluationMode evaluation(plan.student);
  at::Tensor images = at::zeros({num_images, 3, plan.options.image_size, plan.options.image_size},
                                at::device(plan.device));
  images = images.contiguous(at::MemoryFormat::ChannelsLast);
  const bool wants_blocks = plan.objective.wants_blocks();
  {
    const MemoryMeter meter;
    const AutocastScope autocast(plan.device, plan.amp);
    const ModelOutput output = plan.student.Forward(images, wants_blocks);
    estimate.per_image = num_forwards * meter.live_bytes() / num_images;
  }
  const TeacherEnsemble* teachers = plan.objective.teachers();
  if (teachers != nullptr) {
    for (const Teacher& teacher : teachers->teachers()) {
      estimate.fixed += BytesOf(teacher.State());
      const MemoryMeter meter;
      const AutocastScope autocast(plan.device, plan.amp);
      const ModelOutput output = teacher.Forward(images, wants_blocks);
      estimate.per_image += meter.live_bytes() / num_images;
    }
  }
  return estimate;
}

Status RunPreflight(const PreflightPlan& plan, RunListener& listener) {
  return Preflight(plan, listener).Run();
}

}  // namespace distill::core
