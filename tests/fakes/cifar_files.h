#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace distill::testing {

/// The names of CIFAR-10's classes, by label.
inline const std::vector<std::string>& Cifar10Names() {
  static const std::vector<std::string> names = {
      "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
  return names;
}

/// Returns a record: the labels, then red, green and blue planes of 32x32 in closed form, unlike
/// for each `picture`, and with a mean brightness that grows with the last label, so that there is
/// something to learn.
inline std::string CifarRecord(const std::vector<uint8_t>& labels, int picture) {
  std::string record(labels.begin(), labels.end());
  for (int plane = 0; plane < 3; ++plane) {
    for (int i = 0; i < 1024; ++i) {
      const int noise = (i * (plane + 3) + picture * 7919 + i * picture * 31) % 97;
      record.push_back(static_cast<char>(10 + 15 * labels.back() + noise + plane));
    }
  }
  return record;
}

inline void WriteBytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// Writes a CIFAR-10 in its binary version, of `per_file` pictures in each of its six files, labels
/// going round.
inline void WriteCifar10(const std::filesystem::path& folder, int per_file) {
  std::filesystem::create_directories(folder);
  std::string names;
  for (const std::string& name : Cifar10Names()) names += name + "\n";
  WriteBytes(folder / "batches.meta.txt", names + "\n");  // the published one ends so
  int picture = 0;
  for (const char* file : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                           "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"}) {
    std::string bytes;
    for (int i = 0; i < per_file; ++i, ++picture) {
      bytes += CifarRecord({static_cast<uint8_t>(picture % 10)}, picture);
    }
    WriteBytes(folder / file, bytes);
  }
}

}  // namespace distill::testing
