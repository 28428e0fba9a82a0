// CIFAR's binary version: the first byte's parity says whether CIFAR-10 or CIFAR-100, the list of
// classes follows up to a zero byte, and the rest is each of the files of records. A data set that
// is taken can be read, picture by picture. The bytes are a picture's path, too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/data/cifar_file.h"
#include "core/data/cifar_layout.h"

namespace {

namespace fs = std::filesystem;

struct CifarFolder {
  fs::path path;
  std::string class_names;
  std::vector<std::string> records;
};

CifarFolder MakeFolder(const char* class_names, std::vector<std::string> records) {
  std::string pattern = (fs::temp_directory_path() / "distill-fuzz-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) std::abort();
  return {pattern, class_names, std::move(records)};
}

void Write(const fs::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
}

/// Removes the folders at the end of the program.
struct Folders {
  CifarFolder of_10 =
      MakeFolder("batches.meta.txt", {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                      "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"});
  CifarFolder of_100 = MakeFolder("fine_label_names.txt", {"train.bin", "test.bin"});

  ~Folders() {
    std::error_code error;
    fs::remove_all(of_10.path, error);
    fs::remove_all(of_100.path, error);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace distill::core;  // NOLINT(google-build-using-namespace)
  static const Folders folders;
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  (void)ParseCifarPicturePath(bytes.substr(0, bytes.find('\0')));

  const CifarFolder& folder = data[0] % 2 == 0 ? folders.of_10 : folders.of_100;
  const size_t end_of_names = bytes.find('\0');
  Write(folder.path / folder.class_names, bytes.substr(0, end_of_names));
  const std::string records =
      end_of_names == std::string::npos ? "" : bytes.substr(end_of_names + 1);
  for (const std::string& name : folder.records) Write(folder.path / name, records);

  const auto layout = FindCifarPictures(folder.path);
  if (!layout.ok()) return 0;
  for (const FoundImage& image : layout->images) {
    const auto picture = ParseCifarPicturePath(image.path);
    if (!picture) std::abort();
    const auto pixels = ReadCifarPixels(*picture);
    if (!pixels.ok()) std::abort();
    (void)CifarImage(*pixels);
  }
  return 0;
}
