// Times the way of photographs to a device: read, decoded, enlarged, cropped and augmented; and,
// beside it, the same with the copy to the device and the normalisation there.
// Usage: bench_input FOLDER BATCH SIZE THREADS [DEVICE]
// Prints images per second of two passes each; the first one also reads the files from disk.
#include <ATen/ATen.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "core/data/batch_source.h"
#include "core/device/device.h"
#include "core/device/image_normalizer.h"

namespace {

using namespace distill::core;  // NOLINT(google-build-using-namespace)

std::vector<ManifestEntry> EntriesIn(const std::filesystem::path& folder) {
  std::vector<ManifestEntry> entries;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    if (!file.is_regular_file()) continue;
    ManifestEntry& entry = entries.emplace_back();
    entry.path = file.path().string();
    entry.class_index = 0;
  }
  return entries;
}

// Images per second of one pass; to `device` and normalised, where `normalizer` is given.
double RateOfPass(BatchSource& source, int64_t epoch, const at::Device& device,
                  const ImageNormalizer* normalizer) {
  const auto start = std::chrono::steady_clock::now();
  int64_t num_images = 0;
  at::Tensor last;
  source.StartEpoch(epoch);
  while (true) {
    const auto batch = source.Next();
    if (!batch.ok()) {
      std::cerr << batch.status() << '\n';
      std::exit(1);
    }
    if (!batch->has_value()) break;
    num_images += (*batch)->labels.size(0);
    if (normalizer != nullptr) {
      last = normalizer->Apply((*batch)->images);
      (void)(*batch)->labels.to(device, /*non_blocking=*/true);
    }
  }
  if (last.defined()) (void)last.sum().item<float>();  // waits for the device
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return static_cast<double>(num_images) / seconds.count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5 || argc > 6) return 2;
  const auto device = ParseDevice(argc == 6 ? argv[5] : "cpu");
  if (!device.ok()) return 1;
  BatchSourceOptions options;
  options.batch_size = std::atoi(argv[2]);
  options.image_size = std::atoi(argv[3]);
  options.num_threads = std::atoi(argv[4]);
  options.is_training = true;
  options.augmentation.flip_probability = 0.5;
  const ImageNormalizer normalizer({0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}, *device);
  for (const bool pinned : {false, true}) {
    if (pinned && device->is_cpu()) break;
    options.pinned = pinned;
    const auto source = CreateBatchSource(EntriesIn(argv[1]), options);
    if (!source.ok()) return 1;
    const std::string memory = pinned ? "pinned memory" : "plain memory";
    for (const ImageNormalizer* how : {static_cast<const ImageNormalizer*>(nullptr), &normalizer}) {
      std::cout << memory << (how == nullptr ? ", loaded:" : ", loaded, copied and normalised:");
      for (int64_t epoch = 0; epoch < 2; ++epoch) {
        std::cout << ' ' << RateOfPass(**source, epoch, *device, how);
      }
      std::cout << '\n';
    }
  }
  return 0;
}
