#include <algorithm>
#include <string>
#include <string_view>
#include <thread>

#include "server/spec/name_rules.h"
#include "server/spec/spec_rules.h"

namespace distill::server {
namespace {

constexpr int kMaxLabels = 64;
constexpr size_t kMaxLabelValue = 256;
constexpr int kMaxImageSize = 2048;
constexpr int kImageSizeStep = 32;  // the stride of the last block

// U+0080 to U+009F, in UTF-8.
bool HasC1(std::string_view text) {
  for (size_t at = text.find('\xC2'); at != std::string_view::npos;
       at = text.find('\xC2', at + 1)) {
    if (at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xA0U) return true;
  }
  return false;
}

// Whoever reads a label may read it on a terminal, which takes these for orders.
bool HasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char letter) {
                       const auto byte = static_cast<unsigned char>(letter);
                       return byte < 0x20U || byte == 0x7FU;
                     }) ||
         HasC1(text);
}

void CheckLabels(const v1::Job& given, ViolationList& violations) {
  if (given.labels_size() > kMaxLabels) {
    violations.Add("labels", std::to_string(given.labels_size()),
                   "must be at most " + std::to_string(kMaxLabels));
  }
  for (const auto& [key, value] : given.labels()) {
    if (!IsName(key)) {
      violations.Add("labels", key,
                     "a key must start with a letter or digit and hold at most 63 letters, digits, "
                     "'.', '_' and '-'");
    }
    if (HasControlCharacter(value)) {
      violations.Add("labels[" + key + "]", "text with a control character",
                     "must be one line of plain text");
    }
    if (value.size() > kMaxLabelValue) {
      violations.Add("labels[" + key + "]", value.substr(0, kMaxLabelValue) + "...",
                     "must be at most " + std::to_string(kMaxLabelValue) + " bytes");
    }
  }
}

void CheckRetry(const v1::RetryPolicy& retry, ViolationList& violations) {
  constexpr int kMax = 1000;
  violations.CheckCount("retry.max_interruptions", retry.max_interruptions(), 0, kMax);
  violations.CheckCount("retry.max_device_errors", retry.max_device_errors(), 0, kMax);
  violations.CheckCount("retry.max_preemptions", retry.max_preemptions(), 0, kMax);
}

void CheckMemory(int64_t bytes, ViolationList& violations) {
  constexpr int64_t kMin = int64_t{64} << 20;
  constexpr int64_t kMax = int64_t{1} << 40;
  if (bytes == 0 || (bytes >= kMin && bytes <= kMax)) return;
  violations.Add("resources.gpu_memory_bytes", std::to_string(bytes),
                 "must be 0 (the whole device), or 64 MiB to 1 TiB");
}

void CheckGroup(const v1::Job& given, ViolationList& violations) {
  constexpr int kMaxParallel = 10'000;
  violations.CheckCount("max_parallel", given.max_parallel(), 0, kMaxParallel);
  if (given.group().empty()) {
    if (given.max_parallel() == 0) return;
    violations.Add("max_parallel", std::to_string(given.max_parallel()),
                   "counts the jobs of a group; name the group");
  } else if (!IsName(given.group())) {
    violations.Add("group", given.group(),
                   "must start with a letter or digit and hold at most 63 letters, digits, '.', "
                   "'_' and '-'");
  }
}

// Several devices are whole ones of one kind, and only training knows what to do with them.
void CheckDevices(const v1::Job& given, ViolationList& violations) {
  constexpr int kMaxDevices = 64;
  const v1::Resources& resources = given.resources();
  violations.CheckCount("resources.devices", resources.devices(), 0, kMaxDevices);
  if (resources.devices() <= 1) return;
  const std::string devices = std::to_string(resources.devices());
  if (given.has_eval()) {
    violations.Add("resources.devices", devices, "an evaluation uses one device; leave it out");
  }
  if (resources.gpu_memory_bytes() != 0) {
    violations.Add("resources.gpu_memory_bytes", std::to_string(resources.gpu_memory_bytes()),
                   "a job on several devices has each of them to itself; leave it or devices out");
  }
  if (!resources.device().empty() && resources.device() != "cpu") {
    violations.Add(
        "resources.device", resources.device(),
        "names one device, and the job needs " + devices + "; leave it out, or say \"cpu\"");
  }
}

void CheckAfter(const v1::Job& given, ViolationList& violations) {
  constexpr int kMaxAfter = 100;
  if (given.after_size() > kMaxAfter) {
    violations.Add("after", std::to_string(given.after_size()) + " jobs",
                   "must be at most " + std::to_string(kMaxAfter));
  }
  for (int i = 0; i < given.after_size(); ++i) {
    if (v1::AfterCondition_IsValid(given.after(i).condition())) continue;
    violations.Add("after[" + std::to_string(i) + "].condition",
                   std::to_string(given.after(i).condition()), "must be OK, ANY or FAIL");
  }
}

}  // namespace

int MaxThreads() {
  constexpr int kAlwaysAllowed = 16;
  return std::max(kAlwaysAllowed, static_cast<int>(std::thread::hardware_concurrency()));
}

void CheckEnum(const std::string& path, int value, bool (*is_valid)(int),
               ViolationList& violations) {
  if (value != 0 && is_valid(value)) return;
  violations.Add(path, std::to_string(value), "must be one of the named values");
}

void CheckJobRules(const v1::Job& given, ViolationList& violations) {
  if (!given.name().empty() && (!IsName(given.name()) || IsDigits(given.name()))) {
    violations.Add("name", given.name(),
                   "must start with a letter or digit, hold at most 63 letters, digits, '.', '_' "
                   "and '-', and not be all digits");
  }
  CheckLabels(given, violations);
  constexpr int kMaxPriority = 100;
  violations.CheckCount("priority", given.priority(), -kMaxPriority, kMaxPriority);
  violations.CheckCount("resources.threads", given.resources().threads(), 0, MaxThreads());
  CheckRetry(given.retry(), violations);
  CheckMemory(given.resources().gpu_memory_bytes(), violations);
  CheckDevices(given, violations);
  CheckGroup(given, violations);
  CheckAfter(given, violations);
  const std::string& device = given.resources().device();
  if (!device.empty() && !IsDeviceName(device)) {
    violations.Add(
        "resources.device", device,
        "must be empty (any), \"cpu\", a further part of the CPU (\"cpu:1\"), a GPU's index, or a "
        "GPU's UUID (GPU-...)");
  }
}

void CheckMeanAndStd(const std::string& path, const MeanAndStd& values, bool may_be_empty,
                     ViolationList& violations) {
  constexpr int kChannels = 3;
  constexpr double kMaxStd = 10;
  if (may_be_empty && values.mean.empty() && values.std.empty()) return;
  if (values.mean.size() != kChannels) {
    violations.Add(path + ".mean", std::to_string(values.mean.size()) + " values",
                   "must have three values, R G B");
  }
  if (values.std.size() != kChannels) {
    violations.Add(path + ".std", std::to_string(values.std.size()) + " values",
                   "must have three values, R G B");
  }
  for (const double mean : values.mean) violations.CheckRange(path + ".mean", mean, 0, 1);
  for (const double std : values.std) violations.CheckPositive(path + ".std", std, kMaxStd);
}

void CheckInputRules(const std::string& path, const v1::Input& given, const v1::Input& filled,
                     ViolationList& violations) {
  const int size = filled.image_size();
  if (size <= 0 || size > kMaxImageSize || size % kImageSizeStep != 0) {
    violations.Add(path + ".image_size", std::to_string(size),
                   "must be a multiple of 32 from 32 to 2048, so that no block is left empty");
  }
  CheckEnum(path + ".normalization", filled.normalization(), v1::Normalization_IsValid, violations);
  if (filled.normalization() == v1::NORMALIZATION_EXPLICIT) {
    CheckMeanAndStd(path, {given.mean(), given.std()}, false, violations);
    return;
  }
  const std::string remedy = "belongs to normalization EXPLICIT only; set that or leave this out";
  if (!given.mean().empty()) {
    violations.Add(path + ".mean", std::to_string(given.mean_size()) + " values", remedy);
  }
  if (!given.std().empty()) {
    violations.Add(path + ".std", std::to_string(given.std_size()) + " values", remedy);
  }
}

}  // namespace distill::server
