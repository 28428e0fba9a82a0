#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/architecture.h"
#include "core/base/status.h"

namespace distill::server {

struct FileLocatorOptions {
  std::vector<std::filesystem::path> dataset_roots;  // absolute
  std::vector<std::filesystem::path> weights_roots;  // absolute
  std::filesystem::path pretrained_directory;        // where --pretrained looks
  bool allows_torch_script = false;  // whether weights files may be programs that are run
};

/// Finds the files that requests name, and nothing outside the configured roots: links and ".." are
/// resolved first. Thread-safe. Calls block on disk.
class FileLocator {
 public:
  explicit FileLocator(FileLocatorOptions options) : options_(std::move(options)) {}

  /// Returns the real path of a weights file given absolute or relative to a weights root.
  /// kInvalidArgument: it is outside the roots, missing, unreadable or no regular file; the message
  /// says which.
  Result<std::string> FindWeights(const std::string& path) const;

  /// Returns the real path of the published weights of `architecture`.
  /// kInvalidArgument: absent; the message gives the file's name, the folder, and the source.
  Result<std::string> FindPretrained(const Architecture& architecture) const;

  /// Returns the real path of a data set's folder or manifest, given absolute.
  /// kInvalidArgument: as FindWeights.
  Result<std::string> FindDataset(const std::string& path) const;

  /// Returns whether a teacher may be a TorchScript program.
  bool allows_torch_script() const { return options_.allows_torch_script; }

 private:
  FileLocatorOptions options_;
};

}  // namespace distill::server
